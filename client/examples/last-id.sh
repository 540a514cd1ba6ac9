#!/bin/sh
# Prints the events of a stream with curl, and continues after the last id, also when it is started again:
#
#   sh last-id.sh "http://127.0.0.1:8080/stream?user=42" last-id.txt

url=$1
file=$2
touch "$file"
while :; do
  # curl leaves out a header without a value
  curl -sN -H "Accept: text/event-stream" -H "Last-Event-ID: $(cat "$file")" "$url" |
    while IFS= read -r line; do
      case $line in
        "event: "*) event=${line#event: } ;;
        "data: "*) data=${line#data: } ;;
        "id: "*) id=${line#id: } ;;
        "") # the end of a block: an event if it has no other name
          if [ -z "$event" ] && [ -n "$data" ]; then printf '%s\n' "$data"; fi
          printf %s "$id" >"$file"
          event= data=
          ;;
      esac
    done
  sleep 1
done
