// Reads what a pool is made with: its limits and its formats, as edge/pool/native/native-pool.ts writes them.

#ifndef ENCKE_POOL_POOL_OPTIONS_H_
#define ENCKE_POOL_POOL_OPTIONS_H_

#include "pool.h"

namespace encke {

/** False where something is missing or of the wrong kind: an exception is pending. */
bool read_limits(napi_env env, napi_value options, Limits* limits);

/** Adds the formats of the options to a pool. False likewise. */
bool read_formats(napi_env env, napi_value options, Pool* pool);

}  // namespace encke

#endif  // ENCKE_POOL_POOL_OPTIONS_H_
