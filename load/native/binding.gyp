{
  "includes": ["../../edge/native/addon.gypi"],
  "targets": [{ "target_name": "load", "sources": ["src/addon.cc", "src/readers.cc"] }]
}
