// ---- the net: the first layer adds up what the columns give, then layer by layer

const width = first.bias.length;
const columnOf = (kind) => categories.flatMap((known, j) => ((known === null) === (kind === "number") ? [j] : []));
const continuous = columnOf("number");
const nominal = columnOf("category");

/** What a category adds: a row of a table, which may be given as a product. */
const tables = first.tables.map(({ values, size, embedding }) => {
  if (!embedding) return values;
  const made = new Float64Array((values.length / size) * width);
  for (let code = 0; code < values.length / size; code++)
    for (let i = 0; i < size; i++)
      for (let j = 0; j < width; j++) made[code * width + j] += values[code * size + i] * embedding[i * width + j];
  return made;
});

/** What a column with bins adds at each edge; between two edges it is a line, and outside the line `slope`. */
const binned = new Map(
  first.pieces.map(({ k, edges, weight }) => {
    const slope = Float64Array.from(first.weight.subarray(k * width, (k + 1) * width));
    const at = Array.from(edges, (edge) => slope.map((s) => (edge - first.mean[k]) * first.inverseScale[k] * s));
    for (let j = 0; j < width; j++) {
      let filled = 0;
      for (let bin = 0; bin + 1 < edges.length; bin++) at[bin + 1][j] += filled += weight[bin * width + j];
    }
    return [k, { edges, at, slope: slope.map((s) => s * first.inverseScale[k]) }];
  }),
);
const plain = continuous.map((_, k) => k).filter((k) => !binned.has(k));

const units = [first, ...layers].map((layer) => new Float64Array(layer.bias.length));
const angles = first.frequencies ? first.frequencies.length : 0;
const perColumn = continuous.length ? angles / continuous.length : 0;

/** h += factor * (the row of `weight` that begins at `start`) */
function add(h, factor, weight, start) {
  for (let j = 0; j < h.length; j++) h[j] += factor * weight[start + j];
}

function addBinned(h, { edges, at, slope }, x) {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] <= x) low = middle + 1;
    else high = middle;
  }
  if (low === 0 || low === edges.length) {
    const edge = low === 0 ? 0 : low - 1;
    add(h, 1, at[edge], 0);
    add(h, x - edges[edge], slope, 0);
    return;
  }
  const share = (x - edges[low - 1]) / (edges[low] - edges[low - 1]);
  const [left, right] = [at[low - 1], at[low]];
  for (let j = 0; j < h.length; j++) h[j] += (1 - share) * left[j] + share * right[j];
}

/** A number of the row within the range of the training rows; NaN stays. */
function held(k) {
  const value = numbers[continuous[k]];
  return value < first.low[k] ? first.low[k] : value > first.high[k] ? first.high[k] : value;
}

function addNumbers(h) {
  for (const k of plain) {
    const value = held(k);
    const x = value === value ? (value - first.mean[k]) * first.inverseScale[k] : 0; // a missing value is at the mean
    if (x !== 0) add(h, x, first.weight, k * width);
    for (let f = k * perColumn; f < (k + 1) * perColumn; f++) {
      const angle = x * first.frequencies[f];
      add(h, Math.sin(angle), first.periodic, f * width);
      add(h, Math.cos(angle), first.periodic, (angles + f) * width);
    }
  }
  for (const [k, bins] of binned) {
    const value = held(k);
    addBinned(h, bins, value === value ? value : first.mean[k]);
  }
  first.indicators.forEach((k, i) => {
    const value = numbers[continuous[k]];
    if (value !== value) add(h, 1, first.flags, i * width);
  });
}

const active = new Int32Array(Math.max(...units.map((h) => h.length))); // units that are not 0, as relu leaves half of them

/** out = bias + h @ weight: sums of products for a few outputs, else sweeps over the outputs, four inputs at a time */
function affine(h, { weight, bias }, out) {
  const m = out.length;
  if (m < 4) {
    for (let j = 0; j < m; j++) {
      let sum = bias[j];
      for (let i = 0, at = j; i < h.length; i++, at += m) sum += h[i] * weight[at];
      out[j] = sum;
    }
    return;
  }
  out.set(bias);
  let n = 0;
  for (let i = 0; i < h.length; i++) if (h[i] !== 0) active[n++] = i;
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const [a, b, c, d] = [h[active[i]], h[active[i + 1]], h[active[i + 2]], h[active[i + 3]]];
    const [wa, wb, wc, wd] = [active[i] * m, active[i + 1] * m, active[i + 2] * m, active[i + 3] * m];
    for (let j = 0; j < m; j++)
      out[j] += a * weight[wa + j] + b * weight[wb + j] + c * weight[wc + j] + d * weight[wd + j];
  }
  for (; i < n; i++) add(out, h[active[i]], weight, active[i] * m);
}

/** The outputs of the row in `numbers` and `codes`, before the output activation. */
function outputs() {
  let h = units[0];
  h.set(first.bias);
  for (let k = 0; k < nominal.length; k++) add(h, 1, tables[k], codes[nominal[k]] * width);
  addNumbers(h);
  layers.forEach((layer, i) => {
    if (layer.activated) for (let u = 0; u < h.length; u++) h[u] = activation(h[u]);
    affine(h, layer, units[i + 1]);
    h = units[i + 1];
  });
  if (shift !== null) for (let j = 0; j < h.length; j++) h[j] += shift[j];
  return h;
}
