// The libuv handles of one native object, and how they are closed. The memory of a handle must remain until
// libuv has closed it, while a worker thread's environment may end at any time: its clean-up hook then closes
// the handles and delays the end of the environment until they are closed. Owned by the object that uses the
// handles, which is freed by `on_closed` and never earlier.

#ifndef ENCKE_EDGE_NATIVE_LOOP_HANDLES_H_
#define ENCKE_EDGE_NATIVE_LOOP_HANDLES_H_

#include <node_api.h>
#include <stdint.h>
#include <uv.h>

namespace encke {

class LoopHandles {
 public:
  /** `on_end` must call `close` for each handle and then `finish`; `on_closed` frees the owner. */
  using Step = void (*)(void* owner);

  /** Returns false if the environment accepts no hook; nothing has to be undone then. */
  bool start(napi_env env, void* owner, Step on_end, Step on_closed) {
    owner_ = owner;
    on_end_ = on_end;
    on_closed_ = on_closed;
    return napi_get_uv_event_loop(env, &loop_) == napi_ok &&
           napi_add_async_cleanup_hook(env, environment_ends, this, &hook_) == napi_ok;
  }

  uv_loop_t* loop() const { return loop_; }

  /** Counts an initialized handle, keeps it from keeping the process alive, and sets its `data`. */
  template <typename Handle>
  void add(Handle* handle, void* data) {
    auto* base = reinterpret_cast<uv_handle_t*>(handle);
    base->data = data;
    uv_unref(base);
    open_++;
  }

  template <typename Handle>
  void close(Handle* handle) {
    auto* base = reinterpret_cast<uv_handle_t*>(handle);
    base->data = this;
    uv_close(base, [](uv_handle_t* closed) { static_cast<LoopHandles*>(closed->data)->handle_closed(); });
  }

  /** Called after the last `close`. The owner may no longer exist when this returns. */
  void finish() {
    finishing_ = true;
    if (open_ == 0) end();
  }

 private:
  static void environment_ends(napi_async_cleanup_hook_handle, void* self) {
    auto* handles = static_cast<LoopHandles*>(self);
    if (!handles->finishing_) handles->on_end_(handles->owner_);
  }

  void handle_closed() {
    open_--;
    if (finishing_ && open_ == 0) end();
  }

  void end() {
    napi_async_cleanup_hook_handle hook = hook_;
    on_closed_(owner_);  // `this` no longer exists from here on
    napi_remove_async_cleanup_hook(hook);
  }

  uv_loop_t* loop_ = nullptr;
  void* owner_ = nullptr;
  Step on_end_ = nullptr;
  Step on_closed_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  uint32_t open_ = 0;
  bool finishing_ = false;
};

}  // namespace encke

#endif  // ENCKE_EDGE_NATIVE_LOOP_HANDLES_H_
