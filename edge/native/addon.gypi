# Flags of every addon in this project: C++17 over Node-API 8 and libuv, no V8 symbols, so one binary serves Node 20, 22
# and 24. Sanitizers and such come in through the environment's CXXFLAGS and LDFLAGS (scripts/sanitize.mjs).
{
  "target_defaults": {
    "defines": ["NAPI_VERSION=8"],
    "include_dirs": ["../.."],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-O3"],
    "cflags_cc": ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Wno-cast-function-type", "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden"],
  }
}
