// The live line: server-sent events that are opened again whenever they end or fall silent.

const SILENCE_MS = 12_000;
const PAUSE_MS = 500;
const PAUSE_MAX_MS = 5_000;

// Tells `on.open` whenever everything has to be read again, `on.chirp` what is said, and `on.state`
// whether the line stands. Gives a function that ends it.
export function listen(id, on) {
  let source = null;
  let timer = 0;
  let pause = PAUSE_MS;
  let ended = false;

  function again() {
    source?.close();
    if (ended) return;
    on.state(false);
    clearTimeout(timer);
    timer = setTimeout(open, pause);
    pause = Math.min(pause * 2, PAUSE_MAX_MS);
  }

  function alive() {
    clearTimeout(timer);
    timer = setTimeout(again, SILENCE_MS);
  }

  function open() {
    source = new EventSource(`/api/activity/${encodeURIComponent(id)}/live`);
    source.onerror = again;
    source.addEventListener("refresh", () => {
      pause = PAUSE_MS;
      alive();
      on.state(true);
      on.open();
    });
    source.addEventListener("open", alive);
    source.addEventListener("beat", alive);
    source.addEventListener("chirp", (event) => {
      alive();
      on.chirp(JSON.parse(event.data));
    });
    alive();
  }

  open();
  return () => {
    ended = true;
    clearTimeout(timer);
    source?.close();
  };
}
