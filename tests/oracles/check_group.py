"""Compares `hounsfield group` with SciPy and statsmodels, number by number.

    python check_group.py <hounsfield> <data>

<hounsfield> is the program, <data> the folder of test data. Needs numpy, pandas, scipy, statsmodels. 120 made tables (3 to 120 rows a group; equal and unequal spread, far from 0, rounded so
that values tie, missing values, pairs, covariates of numbers and texts) and the real cohort: t, df, p, the interval, U, adjusted p and effects, each within 1e-8 of itself.
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd
import scipy.special
import scipy.stats as st
import statsmodels.formula.api as smf
from statsmodels.stats.multitest import multipletests

program, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
rng = np.random.default_rng(20261128)
worst, wrong, checked = {}, 0, 0


def ask(table, *options):
    line = [program, "group", table, "--json", "--quiet", *options]
    done = subprocess.run(list(map(str, line)), capture_output=True)
    if done.returncode:
        sys.exit(f"{options}: {done.stderr.decode()}")
    return json.loads(done.stdout)


def same(what, found, expected, where):
    global wrong, checked
    checked += 1
    off = 0.0 if found == expected else abs(found - expected) / max(abs(expected), 1e-300)
    if expected != 0 and abs(expected) < 1e-290:
        return
    worst[what] = max(worst.get(what, 0.0), off)
    if not off < 1e-8:
        wrong += 1
        print(f"{where}: {what}: {found}, expected {expected}")


def correction(df):
    return math.exp(scipy.special.gammaln(df / 2) - scipy.special.gammaln((df - 1) / 2)) / math.sqrt(df / 2)


def two_samples(row, a, b, test, where):
    if test == "mann-whitney":
        result = st.mannwhitneyu(a, b)
        same("U", row["u"], result.statistic, where)
        same("p of U", row["p"], result.pvalue, where)
        return
    result = {
        "welch": lambda: st.ttest_ind(a, b, equal_var=False),
        "student": lambda: st.ttest_ind(a, b),
        "paired": lambda: st.ttest_rel(a, b),
    }[test]()
    interval = result.confidence_interval()
    va, vb, na, nb = np.var(a, ddof=1), np.var(b, ddof=1), len(a), len(b)
    if test == "welch":
        deviation, df = math.sqrt((va + vb) / 2), (va + vb) ** 2 / (va**2 / (na - 1) + vb**2 / (nb - 1))
    elif test == "student":
        deviation, df = math.sqrt(((na - 1) * va + (nb - 1) * vb) / (na + nb - 2)), na + nb - 2
    else:
        deviation, df = np.std(a - b, ddof=1), na - 1
    g = (np.mean(a) - np.mean(b)) / deviation * correction(df)
    numbers = [result.statistic, result.df, result.pvalue, interval.low, interval.high, g]
    for key, expected in zip(["t", "df", "p", "ci_low", "ci_high", "hedges_g"], numbers):
        same(f"{test} {key}", row[key], float(expected), where)


def least_squares(row, frame, formula, name, where):
    fit = smf.ols(formula, frame).fit()
    low, high = fit.conf_int().loc[name]
    for key, expected in zip(["difference", "t", "df", "p", "ci_low", "ci_high"], [fit.params[name], fit.tvalues[name], fit.df_resid, fit.pvalues[name], low, high]):
        same(f"least squares {key}", row[key], float(expected), where)


def made(table, i):
    na, nb = rng.integers(3, 12 if i % 3 else 120, 2)
    n = na + nb
    frame = pd.DataFrame({"subject": [f"s{k}" for k in range(n)], "g": ["a"] * na + ["b"] * nb})
    frame["x"] = rng.normal(rng.choice([0, 50, 1e5]), 1, n) + np.where(frame.g == "a", rng.normal(0, 2), 0) * rng.choice([1, 3])
    frame["y"] = np.round(rng.normal(5, 2, n), rng.integers(0, 3))
    frame["age"] = rng.integers(20, 90, n)
    frame["sex"] = rng.choice(["F", "M", "X"] if n > 20 else ["F", "M"], n)
    frame.loc[rng.random(n) < 0.05, "y"] = np.nan
    frame.to_csv(table, index=False)
    whole = {value: [frame[frame.g == g][value].dropna().to_numpy() for g in "ab"] for value in "xy"}
    if min(len(v) for pair in whole.values() for v in pair) < 2 or any(np.ptp(v) == 0 for pair in whole.values() for v in pair):
        return
    for test in ["welch", "student", "mann-whitney"]:
        rows = ask(table, "--value", "x,y", "--by", "g", "--test", test)["rows"]
        for row in rows:
            two_samples(row, *whole[row["value"]], test, f"table {i}")
        p = [row["p"] for row in rows]
        for key, method in [("p_holm", "holm"), ("p_bh", "fdr_bh")]:
            for row, expected in zip(rows, multipletests(p, method=method)[1]):
                same(key, row[key], float(expected), f"table {i}")
    quotient = ask(table, "--value", "x/age", "--by", "g")["rows"][0]
    two_samples(quotient, *[(part.x / part.age).to_numpy() for _, part in frame.groupby("g")], "welch", f"table {i} quotient")
    if n > 12 and frame.groupby("sex").g.nunique().min() > 1:
        row = ask(table, "--value", "x", "--by", "g", "--covariates", "age,sex")["rows"][0]
        least_squares(row, frame.assign(g=(frame.g == "a") * 1.0), "x ~ g + age + C(sex)", "g", f"table {i}")
    # Pairs in another order.
    pairs = pd.concat([frame[["subject", "x"]].assign(g="a"), frame[["subject"]].assign(x=frame.x + rng.normal(0.2, 1, n), g="b").sample(frac=1, random_state=i)])
    pairs.to_csv(table, index=False)
    both = [pairs[pairs.g == g].set_index("subject").x.sort_index().to_numpy() for g in "ab"]
    two_samples(ask(table, "--value", "x", "--by", "g", "--test", "paired", "--subject", "subject")["rows"][0], *both, "paired", f"pairs {i}")


with tempfile.TemporaryDirectory() as folder:
    for i in range(120):
        made(pathlib.Path(folder) / "t.csv", i)

path = data / "tables/oasis_all_volumes.csv"
oasis = pd.read_csv(path)
for name, part, where in [("all", oasis, []), ("60 and over", oasis[oasis.age >= 60], ["--where", "age>=60"])]:
    sick, well = part[part.alzheimers], part[~part.alzheimers]
    asked = ["--by", "alzheimers", "--groups", "True,False", *where]
    for value, of in [("brain_vol", lambda f: f.brain_vol), ("brain_vol/skull_vol", lambda f: f.brain_vol / f.skull_vol), ("csf_vol", lambda f: f.csf_vol)]:
        for test in ["welch", "student", "mann-whitney"]:
            row = ask(path, "--value", value, "--test", test, *asked)["rows"][0]
            two_samples(row, of(sick).to_numpy(), of(well).to_numpy(), test, f"OASIS {name} {value}")
    row = ask(path, "--value", "brain_vol", "--covariates", "age,sex,skull_vol", *asked)["rows"][0]
    least_squares(row, part.assign(g=part.alzheimers * 1.0), "brain_vol ~ g + age + C(sex) + skull_vol", "g", f"OASIS {name}")

for what, off in sorted(worst.items()):
    print(f"{what}: off by at most {off:.1e} of itself")
print(f"{checked} numbers compared, {wrong} differ")
sys.exit(wrong > 0)
