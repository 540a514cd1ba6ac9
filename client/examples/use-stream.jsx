// A hook for React: the newest events of a user, and the state of the stream. All components and tabs that use
// it for the same user share one connection.

import { follow } from "encke-client";
import { useEffect, useState } from "react";

const KEPT_EVENTS = 50;

export function useStream(url, user) {
  const [events, setEvents] = useState([]);
  const [state, setState] = useState("connecting");
  useEffect(() => {
    const stream = follow(url, { user, share: true });
    setEvents([]);
    setState(stream.state);
    const show = () => setState(stream.state);
    const add = ({ detail }) => setEvents((all) => [detail, ...all].slice(0, KEPT_EVENTS));
    stream.addEventListener("event", add);
    for (const type of ["open", "lost", "close"]) stream.addEventListener(type, show);
    return () => {
      for (const type of ["open", "lost", "close"]) stream.removeEventListener(type, show);
      stream.close();
    };
  }, [url, user]);
  return { events, state };
}

export function Events({ url, user }) {
  const { events, state } = useStream(url, user);
  return (
    <section>
      <p>The stream is {state}.</p>
      <ol reversed>
        {events.map(({ id, topic = "to you", data }) => (
          <li key={id}>
            {topic}: {JSON.stringify(data)}
          </li>
        ))}
      </ol>
    </section>
  );
}
