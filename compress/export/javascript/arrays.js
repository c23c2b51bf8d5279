// ---- arrays: numbers as text, without loss

function bytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function float32(text) {
  return new Float32Array(bytes(text).buffer);
}

function float64(text) {
  return new Float64Array(bytes(text).buffer);
}

function int32(text) {
  return new Int32Array(bytes(text).buffer);
}
