{
  "includes": ["../../../lib/native/addon.gypi"],
  "targets": [{ "target_name": "pool", "sources": ["src/addon.cc"] }]
}
