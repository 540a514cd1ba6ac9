// placeholder
#include "lib/native/epoll_set.h"
#include "lib/native/napi_helpers.h"
NAPI_MODULE_INIT() { (void)env; return exports; }
