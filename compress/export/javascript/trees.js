// ---- the trees: all tests of a row first, then a walk through each tree

const continuous = categories.flatMap((known, j) => (known === null ? [j] : []));
const nominal = categories.flatMap((known, j) => (known === null ? [] : [j]));
const goesLeft = new Uint8Array(test.features.length + test.sets.reduce((sum, { n }) => sum + n, 0));

/** Nodes in preorder: the left branch of a split begins at the next node. `next` is the right one, or ~leaf. */
const next = new Int32Array(tree.nNodes);
const testOf = new Int32Array(tree.nNodes);
const roots = [];
let leaves = 0;
let splits = 0;
function grown(node) {
  if (((tree.isSplit[node >> 3] >> (node & 7)) & 1) === 0) {
    next[node] = ~leaves++;
    return node + 1;
  }
  testOf[node] = tree.tests[splits++];
  next[node] = grown(node + 1);
  return grown(next[node]);
}
for (let node = 0; node < tree.nNodes; ) {
  roots.push(node);
  node = grown(node);
}

function answerTests() {
  for (let t = 0; t < test.features.length; t++) {
    const k = test.features[t];
    const value = numbers[continuous[k]];
    const x = test.single[k] ? Math.fround(value) : value;
    goesLeft[t] = x <= test.thresholds[t] || (x !== x && test.missingLeft[t] === 1) ? 1 : 0;
  }
  let t = test.features.length;
  test.sets.forEach(({ n, size, left }, k) => {
    const code = codes[nominal[k]];
    for (let s = 0; s < n; s++) goesLeft[t++] = left[s * size + code];
  });
}

const sums = new Float64Array(unit.scale.length);

/** The outputs of the row in `numbers` and `codes`, before the output activation. */
function outputs() {
  answerTests();
  sums.fill(0);
  for (let i = 0, output = 0; i < roots.length; i++) {
    let node = roots[i];
    while (next[node] >= 0) node = goesLeft[testOf[node]] ? node + 1 : next[node];
    sums[output] += tree.leaves[~next[node]];
    output = output + 1 < sums.length ? output + 1 : 0;
  }
  for (let k = 0; k < sums.length; k++) sums[k] = unit.offset[k] + unit.scale[k] * sums[k];
  return sums;
}
