// The addon's methods for corked streams, which the edge identifies by its own numbers.

#ifndef ENCKE_POOL_CORK_METHODS_H_
#define ENCKE_POOL_CORK_METHODS_H_

#include <node_api.h>

namespace encke {

/**
 * takeBuffered(cork): returns id, JSON and cursor of each event, one after the other; null if events were
 * discarded, undefined if the stream has ended
 */
napi_value take_buffered(napi_env env, napi_callback_info info);

/** writeCorked(cork, text, cursor, events): returns the number of bytes that wait for the reader, or -1 */
napi_value write_corked(napi_env env, napi_callback_info info);

/** waitingCorked(cork): returns the number of bytes that wait for the reader, or -1 */
napi_value waiting_corked(napi_env env, napi_callback_info info);

/** uncork(cork): has no effect if the stream has ended */
napi_value uncork(napi_env env, napi_callback_info info);

/** endCorked(cork, reason): has no effect if the stream has ended, or if there is no such reason */
napi_value end_corked(napi_env env, napi_callback_info info);

}  // namespace encke

#endif  // ENCKE_POOL_CORK_METHODS_H_
