# Stands in for Node's own common.gypi where only node-api-headers is there: what an addon needs of it.
{
  "target_defaults": {
    "default_configuration": "Release",
    "configurations": { "Release": { "cflags": ["-O2"] }, "Debug": { "cflags": ["-g", "-O0"] } },
    "cflags": ["-fPIC", "-pthread"],
    "ldflags": ["-pthread"],
  }
}
