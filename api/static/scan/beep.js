/* Sound and vibration: one need not look. Never alone: a word and a colour say the same. */
let context = null;
const TONES = {
  right: [[1320, 0, 0.09]],
  place: [[660, 0, 0.08], [990, 0.09, 0.1]],
  misplaced: [[740, 0, 0.12], [520, 0.14, 0.18]],
  already: [[880, 0, 0.06], [880, 0.1, 0.06]],
  unknown: [[220, 0, 0.35]],
};
const SHAKES = { right: 40, place: [30, 40, 30], misplaced: [120, 60, 120], already: [40, 40, 40], unknown: 400 };

/** Browsers allow sound only after a tap: call this from one. */
export function wake() {
  const Audio = self.AudioContext || self.webkitAudioContext;
  if (!context && Audio) { context = new Audio(); }
  if (context && context.state === 'suspended') { context.resume(); }
}

export function tell(kind) {
  if (navigator.vibrate && navigator.userActivation && navigator.userActivation.hasBeenActive) { navigator.vibrate(SHAKES[kind] || SHAKES.unknown); }
  if (!context) { return; }
  for (const [pitch, after, length] of TONES[kind] || TONES.unknown) {
    const tone = context.createOscillator();
    const loud = context.createGain();
    const at = context.currentTime + after;
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0.25, at);
    loud.gain.exponentialRampToValueAtTime(0.001, at + length);
    tone.connect(loud);
    loud.connect(context.destination);
    tone.start(at);
    tone.stop(at + length);
  }
}
