/* Scanners that pretend to be a keyboard: a burst of keys ending in Enter or Tab is a code, whatever
   has the focus. Slow typing is left alone. */
const GAP = 80;
const SHORTEST = 4;

/** Call `take(text)` for every burst; `field` is where people type, and input methods act. */
export function listen(field, take) {
  let burst = '';
  let last = 0;
  let composedAt = 0;
  let composedEnter = false;

  document.addEventListener('keydown', (event) => {
    const now = event.timeStamp || Date.now();
    if (event.isComposing || event.key === 'Process') {
      composedEnter = event.code === 'Enter' || event.code === 'NumpadEnter';
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    const close = now - last <= GAP;
    if (event.key === 'Enter' || event.key === 'Tab') {
      if (close && burst.length >= SHORTEST) {
        // Not also a press of whatever button has the focus.
        event.preventDefault();
        event.stopPropagation();
        const text = event.target === field && field.value.trim() ? field.value : burst;
        burst = '';
        if (event.target === field) { field.value = ''; }
        take(text);
      }
      burst = '';
      return;
    }
    if (event.key.length !== 1) { return; }
    burst = close ? burst + event.key : event.key;
    last = now;
  }, true);

  // A space inside a burst must not press the button that has the focus.
  document.addEventListener('keyup', (event) => {
    if (event.key === ' ' && burst.length >= SHORTEST && event.target !== field) { event.preventDefault(); }
  }, true);

  field.addEventListener('compositionstart', (event) => { composedAt = event.timeStamp; composedEnter = false; });
  field.addEventListener('compositionend', (event) => {
    const text = field.value;
    const quick = event.timeStamp - composedAt <= GAP * Math.max(text.length, 1);
    // The scanner's Enter only closed the input method's window: the code is whole all the same.
    if (composedEnter && quick && text.length >= SHORTEST) {
      setTimeout(() => { if (field.value === text) { field.value = ''; take(text); } }, 0);
    }
  });
}
