// ---- predictions

const activated = {
  /** Two classes, from the log odds of the second. */
  sigmoid([z]) {
    const e = Math.exp(-Math.abs(z));
    const more = 1 / (1 + e);
    return z >= 0 ? [e * more, more] : [more, e * more];
  },
  softmax(z) {
    let largest = -Infinity;
    for (const value of z) if (value > largest) largest = value;
    const parts = Array.from(z, (value) => Math.exp(value - largest));
    const sum = parts.reduce((a, b) => a + b, 0);
    return parts.map((part) => part / sum);
  },
  identity(z) {
    return Array.from(z);
  },
}[outputActivation];
