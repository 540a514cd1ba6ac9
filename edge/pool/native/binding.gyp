{
  "includes": ["../../native/addon.gypi"],
  "targets": [
    {
      "target_name": "pool",
      "sources": [
        "src/addon.cc",
        "src/cork_methods.cc",
        "src/listen.cc",
        "src/pool_corks.cc",
        "src/pool_loop.cc",
        "src/pool_options.cc",
        "src/pool_streams.cc",
        "src/pool_time.cc",
        "src/pool_writing.cc",
      ],
    }
  ],
}
