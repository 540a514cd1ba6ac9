// Reads the options of a pool: its limits and its formats, as edge/pool/native/native-pool.ts writes them.

#ifndef ENCKE_POOL_POOL_OPTIONS_H_
#define ENCKE_POOL_POOL_OPTIONS_H_

#include "pool.h"

namespace encke {

/** Returns false, with an exception pending, if an option is missing or has the wrong type. */
bool read_limits(napi_env env, napi_value options, Limits* limits);

/** Reads the bounds of the buffers of corked streams. Returns false like `read_limits`. */
bool read_cork_limits(napi_env env, napi_value options, CorkLimits* limits);

/** Adds the formats of the options to a pool. Returns false like `read_limits`. */
bool read_formats(napi_env env, napi_value options, Pool* pool);

}  // namespace encke

#endif  // ENCKE_POOL_POOL_OPTIONS_H_
