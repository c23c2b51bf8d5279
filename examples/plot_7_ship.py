"""
Ship to C and to a browser
==========================

A student becomes one C file without dependencies, and one JavaScript module. Both take a row as it stands in the table.
"""

# %%
# The student
# -----------
import tempfile
from pathlib import Path

from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier

from compress import MUNGE, CompressedClassifier, StudentClassifier

X, y = load_wine(return_X_y=True, as_frame=True)
X = X[["alcohol", "color_intensity", "flavanoids", "hue"]]
model = CompressedClassifier(
    RandomForestClassifier(100, random_state=0),
    generator=MUNGE(),
    student=StudentClassifier((16,), max_epochs=30),
    size_multiplier=20,
    random_state=0,
).fit(X, y)
print(model.predict_proba(X[:1]).round(6))

# %%
# C
# -
# The header says how to call it.
folder = Path(tempfile.mkdtemp())
source, header = model.to_c(folder / "wine.c")
print(Path(header).read_text())

# %%
# A program that reads a row, where a compiler is at hand.
import shutil
import subprocess

(folder / "main.c").write_text(f"""
#include <stdio.h>
#include "wine.h"
int main(void) {{
    wine_row row = {{{", ".join(f".{name} = {value!r}f" for name, value in X.iloc[0].items())}}};
    float out[WINE_N_OUTPUTS];
    wine_predict(&row, out);
    printf("%.6f %.6f %.6f\\n", out[0], out[1], out[2]);
    return 0;
}}
""")
if shutil.which("cc"):
    subprocess.run(
        ["cc", "-O2", "-o", "wine", "main.c", "wine.c", "-lm"],
        cwd=folder,
        check=True,
    )
    print(
        subprocess.run(
            [folder / "wine"], capture_output=True, text=True, check=True
        ).stdout
    )
else:
    print(
        "No C compiler here: `apt-get install gcc libc6-dev` installs one on Debian."
    )

# %%
# JavaScript
# ----------
# An ES module for browsers and Node.
model.to_js(folder / "wine.mjs")
print(f"{(folder / 'wine.mjs').stat().st_size:,} bytes")
code = f"""
import {{ predict }} from "./wine.mjs";
console.log(predict({X.iloc[0].to_json()}));
"""
(folder / "main.mjs").write_text(code)
print(code)
if shutil.which("node"):
    print(
        subprocess.run(
            ["node", "main.mjs"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
else:
    print("No Node here: `apt-get install nodejs` installs it on Debian.")
