// What goes on just now, as the service tells it: one stream for a page, and none while nobody looks at the page, so
// that many open pages do not use up the connections that a browser has.

const AGAIN = 10000; // after a stream that was refused; what broke, the browser begins again by itself

/** Call `told` with every pulse, and `alive` with whether they come. */
export function watch(told, alive = () => {}) {
  let stream;
  let again;

  const begin = () => {
    stream = new EventSource("/live");
    stream.onopen = () => alive(true);
    stream.onmessage = (event) => told(JSON.parse(event.data));
    stream.onerror = () => {
      alive(false);
      if (stream.readyState === EventSource.CLOSED) again = setTimeout(begin, AGAIN);
    };
  };
  const end = () => {
    clearTimeout(again);
    stream?.close();
  };

  document.addEventListener("visibilitychange", () => {
    end();
    if (!document.hidden) begin();
  });
  if (!document.hidden) begin();
}
