#!/usr/bin/python3
"""Values the model language is examined against, computed apart from it at 60 decimal digits.

    apt-get install python3-mpmath python3-scipy
    /usr/bin/python3 tests/data/values/make_values.py

writes distributions.json, functions.json and constraints.json beside this file; the three are committed, so
that the tests need neither Python nor mpmath. Densities are written here from their textbook definitions
(normalised, in Stan's parametrisation: scales not variances, rates not means); where scipy.stats has the same
distribution the log density is compared with it before anything is written.

Every argument is a double, taken exactly; every value is the double nearest the true one. A row of a log density
is [outcome, parameters..., value] or [outcome, parameters..., value, terms]: `terms` is the magnitude of the
largest summand of the usual closed form where it exceeds 1000 times the value, so that a test may allow for the
cancellation any double computation of that form suffers. "-inf", "inf" stand for infinities.
"""

import json
import math
import os
import sys

import mpmath as mp
from mpmath import mpf, log, exp, sqrt, pi, loggamma, log1p, inf

mp.mp.dps = 60
HERE = os.path.dirname(os.path.abspath(__file__))


def F(x):
    """A double, exactly."""
    return mpf(float(x)) if not isinstance(x, mpf) else x


def number(x):
    x = mpf(x) if not isinstance(x, (int, float)) else x
    if mp.isnan(x):
        raise ValueError('nan')
    if x == inf:
        return 'inf'
    if x == -inf:
        return '-inf'
    return float(x)


def plain(x):
    """Arguments as short as JSON has them; integers stay integers."""
    if isinstance(x, (list, tuple)):
        return [plain(e) for e in x]
    if isinstance(x, int):
        return x
    return float(x)


def lg(x):
    return mp.re(loggamma(x)) if x > 0 else log(abs(mp.gamma(x)))


def lbeta(a, b):
    return lg(a) + lg(b) - lg(a + b)


def lchoose(n, k):
    return lg(n + 1) - lg(k + 1) - lg(n - k + 1)


def xlogy(x, y):
    return mpf(0) if x == 0 else x * log(y) if y > 0 else -inf * x


def norm_cdf(z):
    return mp.erfc(-z / sqrt(mpf(2))) / 2


def log_norm_cdf(z):
    if z > 5:
        return log1p(-norm_cdf(-z))
    return log(mp.erfc(-z / sqrt(mpf(2))) / 2)


def gamma_p(a, x):
    """x^a exp(-x) / gamma(a + 1) * sum x^n / (a + 1)_n: every term positive."""
    if x == 0:
        return mpf(0)
    term = total = mpf(1)
    n = 0
    while term > total * mp.eps / 16 or n < x - a:
        n += 1
        term *= x / (a + n)
        total += term
    return exp(a * log(x) - x - lg(a + 1)) * total


def gamma_q(a, x):
    with mp.workdps(mp.mp.dps + 10 + int(x / 2.3)):
        return 1 - gamma_p(mpf(a), mpf(x))


def inc_beta_series(a, b, x):
    """x^a (1 - x)^b / (a B(a, b)) * sum (a + b)_n / (a + 1)_n x^n: every term positive."""
    term = total = mpf(1)
    n = 0
    while term > total * mp.eps / 16:
        term *= (a + b + n) / (a + 1 + n) * x
        total += term
        n += 1
    return exp(a * log(x) + b * log1p(-x) - lbeta(a, b)) / a * total


def inc_beta(a, b, x):
    if x == 0 or x == 1:
        return mpf(x)
    if x < (a + 1) / (a + b + 2):
        return inc_beta_series(a, b, x)
    return 1 - inc_beta_series(b, a, 1 - x)


def log1pexp(x):
    return log1p(exp(x)) if x < 0 else x + log1p(exp(-x))


def bessel_i0(x):
    return mp.besseli(0, x)


HALF_LOG_2PI = log(2 * pi) / 2

# ---------------------------------------------------------------- univariate, continuous
# name -> (terms of the log density, cdf, survival function). Terms: a list whose sum is the log density.

DIST = {}


def define(name, args, kind, support, terms, cdf=None, sf=None):
    DIST[name] = dict(args=args, kind=kind, support=support, terms=terms, cdf=cdf, sf=sf)


define('normal', ['mu', 'sigma'], 'continuous', 'real',
       lambda y, m, s: [-((y - m) / s)**2 / 2, -log(s), -HALF_LOG_2PI],
       lambda y, m, s: norm_cdf((y - m) / s), lambda y, m, s: norm_cdf((m - y) / s))
define('std_normal', [], 'continuous', 'real',
       lambda y: [-y**2 / 2, -HALF_LOG_2PI], lambda y: norm_cdf(y), lambda y: norm_cdf(-y))
define('half_normal', ['sigma'], 'continuous', 'positive',
       lambda y, s: [-(y / s)**2 / 2, -log(s), log(mpf(2)) - HALF_LOG_2PI],
       lambda y, s: mp.erf(y / s / sqrt(mpf(2))), lambda y, s: mp.erfc(y / s / sqrt(mpf(2))))
define('lognormal', ['mu', 'sigma'], 'continuous', 'positive',
       lambda y, m, s: [-((log(y) - m) / s)**2 / 2, -log(s), -HALF_LOG_2PI, -log(y)],
       lambda y, m, s: norm_cdf((log(y) - m) / s), lambda y, m, s: norm_cdf((m - log(y)) / s))


def t_terms(y, nu, m, s):
    return [lg((nu + 1) / 2), -lg(nu / 2), -log(nu * pi) / 2, -log(s), -(nu + 1) / 2 * log1p(((y - m) / s)**2 / nu)]


def t_cdf(y, nu, m, s):
    z = (y - m) / s
    tail = inc_beta(nu / 2, mpf(1) / 2, nu / (nu + z * z)) / 2
    return tail if z <= 0 else 1 - tail


define('student_t', ['nu', 'mu', 'sigma'], 'continuous', 'real', t_terms, t_cdf,
       lambda y, nu, m, s: t_cdf(2 * m - y, nu, m, s))
define('half_student_t', ['nu', 'sigma'], 'continuous', 'positive',
       lambda y, nu, s: [log(mpf(2))] + t_terms(y, nu, mpf(0), s),
       lambda y, nu, s: 2 * t_cdf(y, nu, mpf(0), s) - 1, lambda y, nu, s: 2 * t_cdf(-y, nu, mpf(0), s))
define('cauchy', ['mu', 'sigma'], 'continuous', 'real',
       lambda y, m, s: [-log(pi), -log(s), -log1p(((y - m) / s)**2)],
       lambda y, m, s: mp.atan2(s, m - y) / pi, lambda y, m, s: mp.atan2(s, y - m) / pi)
define('half_cauchy', ['sigma'], 'continuous', 'positive',
       lambda y, s: [log(2 / pi), -log(s), -log1p((y / s)**2)],
       lambda y, s: 2 * mp.atan2(y, s) / pi, lambda y, s: 2 * mp.atan2(s, y) / pi)
define('laplace', ['mu', 'sigma'], 'continuous', 'real',
       lambda y, m, s: [-log(2 * s), -abs(y - m) / s],
       lambda y, m, s: exp((y - m) / s) / 2 if y < m else 1 - exp((m - y) / s) / 2,
       lambda y, m, s: exp((m - y) / s) / 2 if y > m else 1 - exp((y - m) / s) / 2)
define('logistic', ['mu', 'sigma'], 'continuous', 'real',
       lambda y, m, s: [-(y - m) / s, -log(s), -2 * log1pexp(-(y - m) / s)],
       lambda y, m, s: 1 / (1 + exp((m - y) / s)), lambda y, m, s: 1 / (1 + exp((y - m) / s)))
define('gumbel', ['mu', 'beta'], 'continuous', 'real',
       lambda y, m, b: [-log(b), -(y - m) / b, -exp(-(y - m) / b)],
       lambda y, m, b: exp(-exp(-(y - m) / b)), lambda y, m, b: -mp.expm1(-exp(-(y - m) / b)))
define('exponential', ['beta'], 'continuous', 'positive',
       lambda y, b: [log(b), -b * y], lambda y, b: -mp.expm1(-b * y), lambda y, b: exp(-b * y))
define('gamma', ['alpha', 'beta'], 'continuous', 'positive',
       lambda y, a, b: [a * log(b), -lg(a), (a - 1) * log(y), -b * y],
       lambda y, a, b: gamma_p(a, b * y), lambda y, a, b: gamma_q(a, b * y))
define('inv_gamma', ['alpha', 'beta'], 'continuous', 'positive',
       lambda y, a, b: [a * log(b), -lg(a), -(a + 1) * log(y), -b / y],
       lambda y, a, b: gamma_q(a, b / y), lambda y, a, b: gamma_p(a, b / y))
define('chi_square', ['nu'], 'continuous', 'positive',
       lambda y, n: [-n / 2 * log(mpf(2)), -lg(n / 2), (n / 2 - 1) * log(y), -y / 2],
       lambda y, n: gamma_p(n / 2, y / 2), lambda y, n: gamma_q(n / 2, y / 2))
define('inv_chi_square', ['nu'], 'continuous', 'positive',
       lambda y, n: [-n / 2 * log(mpf(2)), -lg(n / 2), -(n / 2 + 1) * log(y), -1 / (2 * y)],
       lambda y, n: gamma_q(n / 2, 1 / (2 * y)), lambda y, n: gamma_p(n / 2, 1 / (2 * y)))
define('weibull', ['alpha', 'sigma'], 'continuous', 'positive',
       lambda y, a, s: [log(a), -log(s), (a - 1) * log(y / s), -(y / s)**a],
       lambda y, a, s: -mp.expm1(-(y / s)**a), lambda y, a, s: exp(-(y / s)**a))
define('frechet', ['alpha', 'sigma'], 'continuous', 'positive',
       lambda y, a, s: [log(a), -log(s), -(a + 1) * log(y / s), -(y / s)**(-a)],
       lambda y, a, s: exp(-(y / s)**(-a)), lambda y, a, s: -mp.expm1(-(y / s)**(-a)))
define('rayleigh', ['sigma'], 'continuous', 'positive',
       lambda y, s: [log(y), -2 * log(s), -(y / s)**2 / 2],
       lambda y, s: -mp.expm1(-(y / s)**2 / 2), lambda y, s: exp(-(y / s)**2 / 2))
define('pareto', ['y_min', 'alpha'], 'continuous', 'pareto',
       lambda y, l, a: [log(a), a * log(l), -(a + 1) * log(y)],
       lambda y, l, a: -mp.expm1(a * log(l / y)), lambda y, l, a: (l / y)**a)
define('pareto_type_2', ['mu', 'lambda', 'alpha'], 'continuous', 'pareto',
       lambda y, m, l, a: [log(a), -log(l), -(a + 1) * log1p((y - m) / l)],
       lambda y, m, l, a: -mp.expm1(-a * log1p((y - m) / l)), lambda y, m, l, a: (1 + (y - m) / l)**-a)
define('scaled_inv_chi_square', ['nu', 'sigma'], 'continuous', 'positive',
       lambda y, n, s: [n / 2 * log(n / 2), -lg(n / 2), n * log(s), -(n / 2 + 1) * log(y), -n * s**2 / (2 * y)],
       lambda y, n, s: gamma_q(n / 2, n * s**2 / (2 * y)), lambda y, n, s: gamma_p(n / 2, n * s**2 / (2 * y)))
define('beta', ['alpha', 'beta'], 'continuous', 'unit',
       lambda y, a, b: [-lbeta(a, b), (a - 1) * log(y), (b - 1) * log1p(-y)],
       lambda y, a, b: inc_beta(a, b, y), lambda y, a, b: inc_beta(b, a, 1 - y))
define('beta_proportion', ['mu', 'kappa'], 'continuous', 'unit',
       lambda y, m, k: [-lbeta(m * k, (1 - m) * k), (m * k - 1) * log(y), ((1 - m) * k - 1) * log1p(-y)],
       lambda y, m, k: inc_beta(m * k, (1 - m) * k, y), lambda y, m, k: inc_beta((1 - m) * k, m * k, 1 - y))
define('uniform', ['alpha', 'beta'], 'continuous', 'interval',
       lambda y, a, b: [-log(b - a)], lambda y, a, b: (y - a) / (b - a), lambda y, a, b: (b - y) / (b - a))


def von_mises_cdf(y, mu, kappa):
    """From mu - pi on, as Stan; 0 below."""
    lo = mu - pi
    if y <= lo:
        return mpf(0)
    y = min(y, mu + pi)
    widths = [w / sqrt(kappa + 1) for w in (0, 1, 3, 6, 10, 20, 38)]
    pts = [lo] + sorted({p for w in widths for c in (mu, y) for p in (c - w, c + w) if lo < p < y}) + [y]
    return mp.quad(lambda t: exp(kappa * (mp.cos(t - mu) - 1)), pts) / (2 * pi * bessel_i0(kappa) * exp(-kappa))


define('von_mises', ['mu', 'kappa'], 'continuous', 'circle',
       lambda y, m, k: [k * (mp.cos(y - m) - 1), -log(2 * pi), -log(bessel_i0(k) * exp(-k))],
       von_mises_cdf, lambda y, m, k: von_mises_cdf(2 * m - y, m, k))


def skew_normal_cdf(y, xi, om, al):
    z = (y - xi) / om
    # P(Z <= z) = 2 int_-inf^z phi(t) Phi(alpha t) dt, integrated directly so that both tails keep their digits
    f = lambda t: 2 * mp.npdf(t) * norm_cdf(al * t)
    # in pieces of the scale on which the density falls below min(z, 0)
    rate, far = 1 + max(al, 0)**2, max(-z, mpf(0))
    scale = 1 / (rate * far + sqrt(mpf(rate)))
    cuts = sorted({min(z, mpf(0)) - scale * w for w in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)} |
                  {z * mpf(k) / 8 for k in range(9) if z > 0} |
                  {c for k in range(-6, 7) for c in [k / sqrt(mpf(1) + al * al)] if 0 < c < z})
    return mp.quad(f, cuts)


define('skew_normal', ['xi', 'omega', 'alpha'], 'continuous', 'real',
       lambda y, xi, om, al: [-log(om), log(mpf(2)) - HALF_LOG_2PI, -((y - xi) / om)**2 / 2,
                              log_norm_cdf(al * (y - xi) / om)],
       skew_normal_cdf, lambda y, xi, om, al: skew_normal_cdf(2 * xi - y, xi, om, -al))


def emg_cdf(y, m, s, l):
    return norm_cdf((y - m) / s) - exp(-l * (y - m) + (l * s)**2 / 2) * norm_cdf((y - m) / s - l * s)


define('exp_mod_normal', ['mu', 'sigma', 'lambda'], 'continuous', 'real',
       lambda y, m, s, l: [log(l), l * (m - y) + (l * s)**2 / 2, log_norm_cdf((y - m) / s - l * s)],
       emg_cdf,
       lambda y, m, s, l: norm_cdf((m - y) / s) + exp(-l * (y - m) + (l * s)**2 / 2) * norm_cdf((y - m) / s - l * s))

# ---------------------------------------------------------------- univariate, discrete


def define_discrete(name, args, terms, top=None, tail=None):
    """Distribution functions by summation; `top(args)` is the largest outcome (None: unbounded)."""
    pmf = lambda y, *a: exp(sum(terms(mpf(y), *a)))
    cdf = lambda y, *a: sum(pmf(k, *a) for k in range(0, int(y) + 1))

    def sf(y, *a):
        if top is not None:
            return sum((pmf(k, *a) for k in range(int(y) + 1, int(top(*a)) + 1)), mpf(0))
        with mp.workdps(120):
            return 1 - cdf(y, *a)

    define(name, args, 'discrete', 'count', terms, cdf, sf)


define_discrete('bernoulli', ['theta'], lambda y, p: [xlogy(y, p) + xlogy(1 - y, 1 - p)], lambda p: 1)
define_discrete('bernoulli_logit', ['alpha'], lambda y, a: [-log1pexp(-a) if y == 1 else -log1pexp(a)], lambda a: 1)
define_discrete('binomial', ['N', 'theta'],
                lambda y, n, p: [lchoose(n, y), xlogy(y, p), xlogy(n - y, 1 - p)], lambda n, p: n)
define_discrete('binomial_logit', ['N', 'alpha'],
                lambda y, n, a: [lchoose(n, y), -y * log1pexp(-a), -(n - y) * log1pexp(a)], lambda n, a: n)
define_discrete('poisson', ['lambda'], lambda y, l: [xlogy(y, l), -l, -lg(y + 1)])
define_discrete('poisson_log', ['alpha'], lambda y, a: [y * a, -exp(a), -lg(y + 1)])


def nb2_terms(y, m, p):
    return [lg(y + p), -lg(y + 1), -lg(p), xlogy(y, m) - y * log(m + p), -p * log1p(m / p)]


define_discrete('neg_binomial', ['alpha', 'beta'],
                lambda y, a, b: [lg(y + a), -lg(y + 1), -lg(a), -a * log1p(1 / b), -y * log1p(b)])
define_discrete('neg_binomial_2', ['mu', 'phi'], nb2_terms)
define_discrete('neg_binomial_2_log', ['eta', 'phi'], lambda y, e, p: nb2_terms(y, exp(e), p))
define_discrete('geometric', ['theta'], lambda y, p: [log(p), xlogy(y, 1 - p)])
define('discrete_uniform', ['a', 'b'], 'discrete', 'count', lambda y, a, b: [-log(b - a + 1)],
       lambda y, a, b: (y - a + 1) / (b - a + 1), lambda y, a, b: (b - y) / (b - a + 1))
define_discrete('hypergeometric', ['N', 'a', 'b'],
                lambda y, n, a, b: ([-inf] if y > a or n - y > b or y > n else
                                    [lchoose(a, y), lchoose(b, n - y), -lchoose(a + b, n)]),
                lambda n, a, b: min(n, a))

# ---------------------------------------------------------------- points

S2 = [-38.0, -6.5, -1.25, -0.3, 0.0, 1e-8, 0.7, 2.5, 12.0, 37.0]


def around(centre, scale, zs):
    return [float(F(centre) + F(scale) * F(z)) for z in zs]


def product(*grids):
    rows = [()]
    for g in grids:
        rows = [r + (x,) for r in rows for x in g]
    return rows


def loc_scale(params, zs, first=()):
    return [(y,) + tuple(first) + (m, s) for m, s in params for y in around(m, s, zs)]


LS = [(0.0, 1.0), (-2.5, 0.3), (1000.0, 250.0)]
WIDE = [(0.5, 1e-150), (0.5, 1e150)]
POINTS = {
    'normal': loc_scale(LS, S2[1:-1]) + [(-38.0, 0.0, 1.0), (30.0, 0.0, 1.0), (1e10, 0.0, 1.0), (0.0, 0.0, 1e-300),
                                         (1e-300, 0.0, 1e-300), (3e150, 0.0, 1e150), (-1e200, 5.0, 1e201)],
    'std_normal': [(y,) for y in S2 + [1e5, -1e8]],
    'half_normal': product([0.0, 1e-9, 0.3, 1.0, 4.5, 20.0], [0.5, 2.5]) + [(0.0, 1e-200), (1e150, 1e150), (1e5, 1.0)],
    'lognormal': product([1e-4, 0.3, 1.0, 2.0, 150.0], [0.0, -1.5], [0.4, 3.0]) + [(1e-300, 0.0, 2.0), (1e300, 0.0, 2.0)],
    'student_t': [(y, nu, m, s) for nu in (0.7, 3.0, 40.0) for m, s in ((0.0, 1.0), (-1.0, 2.5))
                  for y in (-30.0, -1.2, 0.0, 0.4, 8.0)] + [(2.0, 1e6, 0.0, 1.0), (2.0, 1e12, 0.5, 1.5), (1e100, 3.0, 0.0, 1.0),
                                                            (0.3, 1e-3, 0.0, 1.0), (1.0, 4.0, 1.0, 1e-200), (1.00007, 2.5, 1.0, 1.0), (0.4999, 0.3, 0.5, 2.0), (0.9, 4.0, 1.0, 2.0)],
    'half_student_t': product([0.0, 0.3, 2.0, 50.0], [0.8, 3.0, 30.0], [1.0, 2.5]) + [(1e90, 3.0, 2.0), (5e-5, 2.5, 1.0), (1e-9, 0.3, 2.0), (2.5e-4, 4.0, 2.0)],
    'cauchy': loc_scale([(0.0, 1.0), (2.0, 0.3)], [-1e6, -40.0, -1.0, 0.0, 0.25, 7.0, 1e9]) + [(1e150, 0.0, 1.0)],
    'half_cauchy': product([0.0, 0.3, 1.0, 17.0, 1e8], [0.5, 5.0]) + [(1e-150, 1e-150), (1e150, 2.0)],
    'laplace': loc_scale(LS, [-600.0, -3.0, -0.1, 0.0, 0.2, 5.0, 600.0]),
    'logistic': loc_scale(LS, [-700.0, -30.0, -1.0, 0.0, 0.2, 5.0, 40.0, 700.0]),
    'gumbel': loc_scale(LS, [-6.0, -2.0, -0.4, 0.0, 0.9, 4.0, 35.0, 600.0]),
    'exponential': product([0.0, 1e-7, 0.2, 1.0, 9.0, 300.0], [0.1, 2.5]) + [(1.0, 1e-200), (1e-200, 1e200)],
    'gamma': product([0.01, 0.3, 1.0, 4.0, 30.0], [0.4, 1.0, 3.5], [0.5, 2.0])
    + [(1e-5, 0.01, 1.0), (400.0, 300.0, 0.8), (1.0e5, 1.0e5, 1.0), (1e-100, 2.0, 1.0),
       (300.0, 2.5, 2.0), (900.0, 3.0, 2.0), (1e-60, 9.0, 1.0), (200.0, 1000.0, 1.0)],
    'inv_gamma': product([0.05, 0.3, 1.0, 4.0, 30.0], [0.4, 1.0, 3.5], [0.5, 2.0]) + [(1e5, 0.01, 1.0), (0.002, 300.0, 0.8),
                                                                                         (0.001, 2.5, 2.0), (900.0, 300.0, 0.001)],
    'chi_square': product([0.01, 0.5, 1.0, 4.0, 30.0], [0.6, 1.0, 2.0, 7.0]) + [(120.0, 100.0), (0.3, 2.0), (900.0, 3.0), (1e-50, 20.0)],
    'inv_chi_square': product([0.01, 0.5, 1.0, 4.0, 30.0], [0.6, 1.0, 2.0, 7.0]) + [(0.0005, 3.0)],
    'weibull': product([0.01, 0.5, 1.0, 2.0, 6.0], [0.5, 1.0, 3.0], [0.7, 2.0]) + [(1e-9, 1.5, 1.0), (1.0, 40.0, 1.1)],
    'frechet': product([0.2, 0.5, 1.0, 2.0, 60.0], [0.5, 1.0, 3.0], [0.7, 2.0]) + [(1e9, 1.5, 1.0)],
    'rayleigh': product([1e-6, 0.3, 1.0, 2.0, 25.0], [0.5, 1.0, 3.0]),
    'pareto': product([2.0, 2.5, 10.0, 1e6], [0.3, 2.0], [0.2, 1.5, 30.0]),
    'beta': product([1e-6, 0.1, 0.5, 0.97], [0.3, 1.0, 5.0], [0.6, 2.5]) + [(0.25, 3e3, 9e3), (1e-12, 1e-2, 1e-2), (0.1, 2.0, 1.0), (0.6, 0.5, 1.0), (0.6, 1.0, 1.0)],
    'beta_proportion': product([1e-4, 0.1, 0.5, 0.97], [0.2, 0.5, 0.9], [0.8, 6.0]) + [(0.25, 0.26, 2e4), (0.3, 0.5, 2.0), (0.3, 0.75, 4.0)],
    'uniform': product([-0.75, 0.0, 0.3], [-1.0, -5.5], [0.5, 3.0]) + [(1.0, 0.0, 1e300)],
    'von_mises': product([-3.0, -1.0, 0.0, 0.5, 3.1], [0.0, 0.4], [0.001, 0.8, 5.0])
    + [(0.3, 0.2, 60.0), (0.1, 0.0, 900.0), (-0.9, 0.2, 60.0), (2.5, 0.0, 60.0), (-0.4, 0.0, 900.0)],
    'skew_normal': product([-5.0, -0.5, 0.0, 0.8, 6.0], [0.0, 0.7], [1.0, 2.0], [-3.0, 0.0, 1.5])
    + [(-8.0, 0.0, 1.0, 10.0), (-9.0, 0.0, 1.0, 2.0), (12.0, 0.0, 1.0, -0.5), (-20.0, 0.0, 1.0, -4.0), (9.0, 0.0, 1.0, 5.0),
       (-0.3, 0.0, 1.0, 30.0), (0.3, 0.0, 1.0, -30.0), (-1e-3, 0.0, 1.0, 100.0)],
    'exp_mod_normal': product([-4.0, -0.5, 0.0, 0.8, 6.0], [0.0, 0.7], [1.0, 0.4], [0.3, 2.0]) + [(60.0, 0.0, 1.0, 2.0),
                                                                                                 (0.0, 0.0, 1.0, 30.0)],
    'bernoulli': product([0, 1], [0.001, 0.2, 0.5, 0.7, 0.999, 1e-12]),
    'bernoulli_logit': product([0, 1], [-600.0, -30.0, -2.0, 0.0, 1e-9, 1.5, 40.0]),
    'binomial': product([0, 1, 7, 10], [10], [0.01, 0.3, 0.5, 0.99]) + [(0, 0, 0.4), (400, 1000, 0.37), (0, 25, 1e-9)],
    'binomial_logit': product([0, 1, 7, 10], [10], [-20.0, -1.0, 0.0, 2.0]) + [(0, 0, 0.4), (400, 1000, -0.5), (25, 25, 40.0)],
    'poisson': product([0, 1, 4, 25], [0.01, 0.8, 6.0, 40.0]) + [(1000, 950.0), (0, 700.0), (0, 2000.0), (3, 900.0), (300, 0.01), (900, 0.5)],
    'poisson_log': product([0, 1, 4, 25], [-5.0, -0.2, 2.0, 3.5]) + [(1000, 6.8), (300, -4.0), (3, 7.0)],
    'neg_binomial': product([0, 1, 4, 25], [0.4, 3.0, 20.0], [0.3, 2.0]) + [(3, 1e6, 2e6)],
    'neg_binomial_2': product([0, 1, 4, 25], [0.4, 8.0], [0.3, 2.0, 50.0]) + [(3, 4.0, 1e6), (3, 4.0, 1e10), (120, 100.0, 1e3)],
    'neg_binomial_2_log': product([0, 1, 4, 25], [-1.0, 2.0], [0.3, 2.0, 50.0]) + [(3, 1.4, 1e6), (120, 4.6, 1e3), (0, -40.0, 2.0)],
    'pareto_type_2': [(y, m, l, a) for m, l in ((0.0, 1.0), (-2.0, 0.4)) for a in (0.3, 2.0, 15.0)
                      for y in (m, m + 0.01, m + 1.0, m + 40.0)] + [(1e6, 0.5, 2.0, 1.5)],
    'scaled_inv_chi_square': product([0.05, 0.5, 1.0, 4.0, 30.0], [0.6, 2.0, 7.0], [0.5, 1.5]) + [(1.1, 300.0, 1.0), (0.0005, 3.0, 1.0)],
    'geometric': product([0, 1, 4, 25], [0.02, 0.3, 0.9]) + [(3, 1e-12), (400, 0.01)],
    'discrete_uniform': [(0, 0, 5), (3, 0, 5), (5, 0, 5), (7, 7, 7), (2, 1, 9), (90, 5, 99), (10, 2, 1000), (-3, -4, 2), (0, -4, 2)],
    'hypergeometric': [(0, 5, 3, 7), (1, 5, 3, 7), (3, 5, 3, 7), (2, 4, 10, 3), (4, 4, 10, 3), (1, 4, 10, 3), (0, 1, 1, 1),
                       (12, 40, 60, 100), (30, 40, 60, 100), (0, 0, 3, 4), (5, 5, 5, 0), (2, 2, 500, 1000)],
}

# What the density is at the edge of the support and outside it. NaN is wrong everywhere here.
EDGES = {
    'half_normal': [(-1e-3, 1.0, '-inf')],
    'lognormal': [(0.0, 0.0, 1.0, '-inf'), (-1.0, 0.0, 1.0, '-inf')],
    'half_student_t': [(-0.5, 3.0, 1.0, '-inf')],
    'half_cauchy': [(-0.5, 1.0, '-inf')],
    'exponential': [(-1e-9, 2.0, '-inf')],
    'gamma': [(0.0, 1.0, 2.0, log(mpf(2))), (0.0, 2.0, 2.0, '-inf'), (-1.0, 2.0, 2.0, '-inf')],
    'inv_gamma': [(0.0, 2.0, 2.0, '-inf'), (-1.0, 2.0, 2.0, '-inf')],
    'chi_square': [(0.0, 2.0, -log(mpf(2))), (0.0, 5.0, '-inf'), (-1.0, 2.0, '-inf')],
    'inv_chi_square': [(0.0, 3.0, '-inf'), (-1.0, 3.0, '-inf')],
    'weibull': [(0.0, 1.0, 2.0, -log(mpf(2))), (0.0, 2.0, 2.0, '-inf'), (-1.0, 2.0, 2.0, '-inf')],
    'frechet': [(0.0, 2.0, 2.0, '-inf'), (-1.0, 2.0, 2.0, '-inf')],
    'rayleigh': [(0.0, 1.0, '-inf'), (-1.0, 1.0, '-inf')],
    'pareto': [(2.0, 2.0, 1.5, log(mpf(1.5)) - log(mpf(2))), (1.9, 2.0, 1.5, '-inf')],
    'beta': [(0.0, 1.0, 3.0, log(mpf(3))), (1.0, 3.0, 1.0, log(mpf(3))), (0.0, 2.0, 3.0, '-inf'), (1.0, 2.0, 3.0, '-inf'),
             (0.0, 1.0, 1.0, mpf(0)), (-0.1, 2.0, 2.0, '-inf'), (1.1, 2.0, 2.0, '-inf')],
    'beta_proportion': [(0.0, 0.5, 2.0, mpf(0)), (1.0, 0.5, 2.0, mpf(0)), (-0.1, 0.5, 4.0, '-inf'), (1.1, 0.5, 4.0, '-inf')],
    'uniform': [(-1.0, -1.0, 3.0, -log(mpf(4))), (3.0, -1.0, 3.0, -log(mpf(4))), (3.1, -1.0, 3.0, '-inf'),
                (-1.1, -1.0, 3.0, '-inf')],
    'bernoulli': [(0, 0.0, mpf(0)), (1, 1.0, mpf(0)), (1, 0.0, '-inf'), (0, 1.0, '-inf'), (2, 0.5, '-inf')],
    'bernoulli_logit': [(1, 1000.0, mpf(0)), (0, -1000.0, mpf(0)), (0, 1000.0, mpf(-1000))],
    'binomial': [(0, 10, 0.0, mpf(0)), (10, 10, 1.0, mpf(0)), (1, 10, 0.0, '-inf'), (9, 10, 1.0, '-inf')],
    'binomial_logit': [(0, 10, -1000.0, mpf(0)), (10, 10, 1000.0, mpf(0))],
    'poisson': [(0, 0.0, mpf(0)), (1, 0.0, '-inf')],
    'poisson_log': [(0, -800.0, mpf(0))],
    'geometric': [(0, 1.0, mpf(0))],
    'pareto_type_2': [(-0.1, 0.0, 1.0, 2.0, '-inf'), (1.9, 2.0, 0.5, 2.0, '-inf')],
    'scaled_inv_chi_square': [(0.0, 3.0, 1.0, '-inf'), (-1.0, 3.0, 1.0, '-inf')],
    'neg_binomial_2': [(0, 1e-300, 2.0, mpf(0))],
}

# ---------------------------------------------------------------- many outcomes


def det(m):
    return mp.det(mp.matrix(m))


def mvn_terms(y, mu, S):
    k = len(y)
    d = mp.matrix([F(a) - F(b) for a, b in zip(y, mu)])
    q = (d.T * mp.lu_solve(mp.matrix([[F(x) for x in r] for r in S]), d))[0]
    return -k * HALF_LOG_2PI - log(det([[F(x) for x in r] for r in S])) / 2 - q / 2


def chol_product(L):
    n = len(L)
    return [[sum(F(L[i][k]) * F(L[j][k]) for k in range(n)) for j in range(n)] for i in range(n)]


def mvt(y, nu, mu, S):
    k, nu = len(y), F(nu)
    S = [[F(x) for x in r] for r in S]
    d = mp.matrix([F(a) - F(b) for a, b in zip(y, mu)])
    q = (d.T * mp.lu_solve(mp.matrix(S), d))[0]
    return lg((nu + k) / 2) - lg(nu / 2) - mpf(k) / 2 * log(nu * pi) - log(det(S)) / 2 - (nu + k) / 2 * log1p(q / nu)


def dirichlet(y, a):
    return lg(sum(F(x) for x in a)) - sum(lg(F(x)) for x in a) + sum((F(x) - 1) * log(F(t)) for x, t in zip(a, y))


def multinomial(y, p):
    return lg(mpf(sum(y)) + 1) - sum(lg(mpf(k) + 1) for k in y) + sum(xlogy(mpf(k), F(t)) for k, t in zip(y, p))


def lkj_chol(L, eta):
    """Lewandowski, Kurowicka and Joe (2009): density of L where L L' ~ LKJ(eta), in L's strict lower triangle."""
    K, eta = len(L), F(eta)
    value = sum((K - k + 2 * eta - 2) * log(F(L[k - 1][k - 1])) for k in range(2, K + 1))
    # log of the integral of det(R)^(eta - 1), by the product of beta functions of the C-vine (their eq. 16)
    norm = mpf(0)
    for k in range(1, K):
        norm += (2 * eta - 2 + K - k) * (K - k) * log(mpf(2))
        norm += (K - k) * lbeta(eta + mpf(K - k - 1) / 2, eta + mpf(K - k - 1) / 2)
    return value - norm


def wishart(W, nu, S):
    p, nu = len(W), F(nu)
    W = [[F(x) for x in r] for r in W]
    S = [[F(x) for x in r] for r in S]
    lmg = mpf(p * (p - 1)) / 4 * log(pi) + sum(lg(nu / 2 - mpf(j) / 2) for j in range(p))
    inv = mp.inverse(mp.matrix(S)) * mp.matrix(W)
    trace = sum(inv[i, i] for i in range(p))
    return (nu - p - 1) / 2 * log(det(W)) - trace / 2 - nu * p / 2 * log(mpf(2)) - nu / 2 * log(det(S)) - lmg


def lkj(R, eta):
    """det(R)^(eta - 1) over its integral: the factor's density without the Jacobian of L -> L L'."""
    K = len(R)
    L = mp.cholesky(mp.matrix([[F(x) for x in r] for r in R]))
    jacobian = sum((K - k) * log(L[k - 1, k - 1]) for k in range(2, K + 1))
    value = sum((K - k + 2 * F(eta) - 2) * log(L[k - 1, k - 1]) for k in range(2, K + 1)) - jacobian
    identity = [[1.0 if i == j else 0.0 for j in range(K)] for i in range(K)]
    return value + lkj_chol(identity, eta)


def inv_wishart(W, nu, S):
    """Of the inverse: Wishart(nu, S^-1) at W^-1, times det(W)^-(p + 1)."""
    p = len(W)
    inverse = lambda m: [[x for x in row] for row in (mp.matrix([[F(x) for x in r] for r in m])**-1).tolist()]
    return wishart(inverse(W), nu, inverse(S)) - (p + 1) * log(det([[F(x) for x in r] for r in W]))


def random_walk(y, start, sigma):
    s, steps = F(sigma), [F(b) - F(a) for a, b in zip([start] + list(y), y)]
    return sum(-(d / s)**2 / 2 - log(s) - HALF_LOG_2PI for d in steps)


def categorical(y, p):
    return log(F(p[y - 1]))


def categorical_logit(y, b):
    return F(b[y - 1]) - log(sum(exp(F(x)) for x in b))


def ordered_logistic(y, eta, c):
    K, eta = len(c) + 1, F(eta)
    logis = lambda x: 1 / (1 + exp(-x))
    upper = mpf(1) if y == 1 else logis(eta - F(c[y - 2]))
    lower = mpf(0) if y == K else logis(eta - F(c[y - 1]))
    return log(upper - lower)


def glm_eta(X, alpha, beta):
    return [F(alpha) + sum(F(x) * F(b) for x, b in zip(r, beta)) for r in X]


def glm(name, outcomes, X, alpha, beta, *rest):
    eta = glm_eta(X, alpha, beta)
    one = {'normal_id_glm': lambda y, e: sum(DIST['normal']['terms'](F(y), e, F(rest[0]))),
           'bernoulli_logit_glm': lambda y, e: sum(DIST['bernoulli_logit']['terms'](mpf(y), e)),
           'poisson_log_glm': lambda y, e: sum(DIST['poisson_log']['terms'](mpf(y), e)),
           'neg_binomial_2_log_glm': lambda y, e: sum(DIST['neg_binomial_2_log']['terms'](mpf(y), e, F(rest[0])))}[name]
    return sum(one(y, e) for y, e in zip(outcomes, eta))


SIGMA2 = [[1.5, 0.4], [0.4, 0.8]]
SIGMA3 = [[2.0, 0.5, -0.25], [0.5, 1.0, 0.125], [-0.25, 0.125, 0.75]]
L3 = [[1.25, 0.0, 0.0], [-0.5, 0.75, 0.0], [0.25, 1.5, 2.0]]


def corr_chol(rows):
    """A Cholesky factor of a correlation matrix from its strict lower triangle; the diagonal rounded to a double."""
    out = []
    for i, r in enumerate(rows):
        d = float(sqrt(1 - sum(F(x)**2 for x in r)))
        out.append(list(r) + [d] + [0.0] * (len(rows) - i - 1))
    return out


LC2, LC3, LC4 = corr_chol([[], [0.6]]), corr_chol([[], [-0.3], [0.2, 0.5]]), corr_chol([[], [0.1], [0.4, -0.2], [0.0, 0.3, 0.6]])
X = [[1.0, -0.5], [0.25, 2.0], [-1.5, 0.75], [0.0, 0.0]]
MULTI = {
    # kind: real, simplex, count, ...: what the outcome is, for tests that make it a parameter
    'multi_normal': ('real', ['mu', 'Sigma'], mvn_terms, [
        ([0.3], [0.1], [[2.0]]), ([0.0, 0.0], [0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]]), ([1.0, -2.0], [0.5, 0.25], SIGMA2),
        ([30.0, -12.0], [0.5, 0.25], SIGMA2), ([0.1, 0.2, 0.3], [1.0, -1.0, 0.0], SIGMA3), ([4.0, -3.0, 2.0], [0.0, 0.0, 0.0], SIGMA3),
        ([1e-80, 2e-80], [0.0, 0.0], [[1e-160, 2e-161], [2e-161, 3e-160]])]),
    'multi_normal_cholesky': ('real', ['mu', 'L'], lambda y, mu, L: mvn_terms(y, mu, chol_product(L)), [
        ([0.3], [0.1], [[1.5]]), ([0.0, 0.0], [0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]]), ([1.0, -2.0], [0.5, 0.25], [[0.5, 0.0], [2.0, 0.1]]),
        ([0.1, 0.2, 0.3], [1.0, -1.0, 0.0], L3), ([40.0, -30.0, 2.0], [0.0, 0.0, 0.0], L3),
        ([1e100, 2e100], [0.0, 0.0], [[1e100, 0.0], [-3e99, 2e100]])]),
    'multi_student_t': ('real', ['nu', 'mu', 'Sigma'], mvt, [
        ([0.3], 3.0, [0.1], [[2.0]]), ([1.0, -2.0], 0.5, [0.5, 0.25], SIGMA2), ([1.0, -2.0], 4.0, [0.5, 0.25], SIGMA2),
        ([30.0, -12.0], 7.5, [0.5, 0.25], SIGMA2), ([0.1, 0.2, 0.3], 30.0, [1.0, -1.0, 0.0], SIGMA3),
        ([0.1, 0.2, 0.3], 1e6, [1.0, -1.0, 0.0], SIGMA3)]),
    'dirichlet': ('simplex', ['alpha'], dirichlet, [
        ([0.25, 0.75], [2.0, 3.0]), ([0.25, 0.25, 0.5], [1.0, 1.0, 1.0]), ([0.125, 0.625, 0.25], [0.3, 4.0, 2.5]),
        ([0.0009765625, 0.4990234375, 0.5], [0.01, 0.2, 7.0]), ([0.125, 0.125, 0.25, 0.5], [10.0, 20.0, 40.0, 80.0]),
        ([0.25, 0.25, 0.25, 0.25], [1e3, 1e3, 1e3, 1e3])]),
    'multinomial': ('count', ['theta'], multinomial, [
        ([3, 0], [0.75, 0.25]), ([3, 2, 5], [0.25, 0.25, 0.5]), ([0, 0, 0], [0.25, 0.25, 0.5]), ([10, 0, 1], [0.125, 0.375, 0.5]),
        ([100, 250, 30, 7], [0.25, 0.5, 0.125, 0.125]), ([0, 4], [0.0, 1.0])]),
    'lkj_corr_cholesky': ('cholesky_corr', ['eta'], lkj_chol, [
        (LC2, 1.0), (LC2, 0.5), (LC2, 3.0), (LC3, 1.0), (LC3, 2.0), (LC3, 0.7), (LC4, 1.0), (LC4, 4.5), (LC4, 30.0)]),
    'wishart': ('cov', ['nu', 'S'], wishart, [
        ([[1.25]], 3.0, [[0.75]]), (SIGMA2, 2.5, [[1.0, 0.0], [0.0, 1.0]]), (SIGMA2, 8.0, [[0.5, -0.25], [-0.25, 2.0]]),
        (SIGMA3, 4.0, SIGMA3), (SIGMA3, 40.0, [[0.125, 0.0, 0.0], [0.0, 0.25, 0.0625], [0.0, 0.0625, 0.5]])]),
    'inv_wishart': ('cov', ['nu', 'S'], inv_wishart, [
        ([[1.25]], 3.0, [[0.75]]), (SIGMA2, 2.5, [[1.0, 0.0], [0.0, 1.0]]), (SIGMA2, 8.0, [[0.5, -0.25], [-0.25, 2.0]]),
        (SIGMA3, 4.0, SIGMA3), (SIGMA3, 40.0, [[0.125, 0.0, 0.0], [0.0, 0.25, 0.0625], [0.0, 0.0625, 0.5]])]),
    'lkj_corr': ('corr', ['eta'], lkj, [
        ([[1.0, 0.5], [0.5, 1.0]], 1.0), ([[1.0, -0.25], [-0.25, 1.0]], 3.0),
        ([[1.0, 0.5, 0.25], [0.5, 1.0, -0.125], [0.25, -0.125, 1.0]], 1.0),
        ([[1.0, 0.5, 0.25], [0.5, 1.0, -0.125], [0.25, -0.125, 1.0]], 0.7),
        ([[1.0, 0.5, 0.25], [0.5, 1.0, -0.125], [0.25, -0.125, 1.0]], 20.0)]),
    'gaussian_random_walk': ('real', ['start', 'sigma'], random_walk, [
        ([0.5], 0.0, 1.0), ([0.5, -0.25, 1.0, 1.0], 0.25, 0.5), ([3.0, 2.0, 4.5], -1.0, 2.5), ([1e-3, 2e-3, -1e-3], 0.0, 1e-3)]),
    'categorical': ('category', ['theta'], categorical, [
        (1, [0.25, 0.75]), (2, [0.25, 0.75]), (1, [1.0]), (3, [0.125, 0.375, 0.5]), (1, [0.125, 0.375, 0.5]), (4, [0.25, 0.25, 0.25, 0.25])]),
    'categorical_logit': ('category', ['beta'], categorical_logit, [
        (1, [0.3, -1.0]), (2, [0.3, -1.0]), (1, [5.0]), (3, [-2.0, 0.5, 1.25]), (1, [-700.0, 0.5, 700.0]), (2, [1000.0, 1001.0, 999.0]),
        (3, [0.0, 0.0, 0.0, 0.0])]),
    'ordered_logistic': ('category', ['eta', 'c'], ordered_logistic, [
        (1, 0.4, [0.0]), (2, 0.4, [0.0]), (1, -0.3, [-1.0, 0.5, 2.0]), (2, -0.3, [-1.0, 0.5, 2.0]), (3, -0.3, [-1.0, 0.5, 2.0]),
        (4, -0.3, [-1.0, 0.5, 2.0]), (2, 40.0, [-1.0, 0.5, 2.0]), (1, 300.0, [-1.0, 0.5]), (3, -300.0, [-1.0, 0.5]),
        (2, 0.0, [1.0, 1.000001]), (2, 60.0, [-1.0, 3.0])]),
    'normal_id_glm': ('real', ['X', 'alpha', 'beta', 'sigma'], lambda *a: glm('normal_id_glm', *a), [
        ([0.3, -1.0, 2.5, 0.0], X, 0.4, [1.5, -0.7], 0.8), ([30.0, -1.0, 2.5, 0.0], X, 0.0, [0.0, 0.0], 5.0)]),
    'bernoulli_logit_glm': ('count', ['X', 'alpha', 'beta'], lambda *a: glm('bernoulli_logit_glm', *a), [
        ([0, 1, 1, 0], X, 0.4, [1.5, -0.7]), ([1, 0, 1, 1], X, -3.0, [40.0, 2.0])]),
    'poisson_log_glm': ('count', ['X', 'alpha', 'beta'], lambda *a: glm('poisson_log_glm', *a), [
        ([0, 3, 1, 7], X, 0.4, [0.5, -0.7]), ([2, 0, 9, 1], X, -1.0, [-1.0, 0.2])]),
    'neg_binomial_2_log_glm': ('count', ['X', 'alpha', 'beta', 'phi'], lambda *a: glm('neg_binomial_2_log_glm', *a), [
        ([0, 3, 1, 7], X, 0.4, [0.5, -0.7], 1.5), ([2, 0, 9, 1], X, -1.0, [-1.0, 0.2], 80.0)]),
}

# ---------------------------------------------------------------- scipy as a second opinion


def scipy_opinion(name, row):
    from scipy import stats as st
    y, a = row[0], row[1:]
    table = {
        'normal': lambda m, s: st.norm.logpdf(y, m, s), 'lognormal': lambda m, s: st.lognorm.logpdf(y, s, scale=math.exp(m)),
        'student_t': lambda n, m, s: st.t.logpdf(y, n, m, s), 'cauchy': lambda m, s: st.cauchy.logpdf(y, m, s),
        'half_cauchy': lambda s: st.halfcauchy.logpdf(y, 0, s), 'half_normal': lambda s: st.halfnorm.logpdf(y, 0, s),
        'laplace': lambda m, s: st.laplace.logpdf(y, m, s), 'logistic': lambda m, s: st.logistic.logpdf(y, m, s),
        'gumbel': lambda m, b: st.gumbel_r.logpdf(y, m, b), 'exponential': lambda b: st.expon.logpdf(y, 0, 1 / b),
        'gamma': lambda a_, b: st.gamma.logpdf(y, a_, scale=1 / b), 'inv_gamma': lambda a_, b: st.invgamma.logpdf(y, a_, scale=b),
        'chi_square': lambda n: st.chi2.logpdf(y, n), 'weibull': lambda a_, s: st.weibull_min.logpdf(y, a_, scale=s),
        'frechet': lambda a_, s: st.invweibull.logpdf(y, a_, scale=s), 'rayleigh': lambda s: st.rayleigh.logpdf(y, 0, s),
        'pareto': lambda l, a_: st.pareto.logpdf(y, a_, scale=l), 'beta': lambda a_, b: st.beta.logpdf(y, a_, b),
        'uniform': lambda a_, b: st.uniform.logpdf(y, a_, b - a_), 'von_mises': lambda m, k: st.vonmises.logpdf(y, k, m),
        'skew_normal': lambda x, o, al: st.skewnorm.logpdf(y, al, x, o),
        'exp_mod_normal': lambda m, s, l: st.exponnorm.logpdf(y, 1 / (s * l), m, s),
        'binomial': lambda n, p: st.binom.logpmf(y, n, p), 'poisson': lambda l: st.poisson.logpmf(y, l),
        'pareto_type_2': lambda m, l, a_: st.lomax.logpdf(y, a_, m, l), 'geometric': lambda p: st.geom.logpmf(y + 1, p),
        'scaled_inv_chi_square': lambda n, s: st.invgamma.logpdf(y, n / 2, scale=n * s * s / 2),
        'discrete_uniform': lambda a_, b: st.randint.logpmf(y, a_, b + 1),
        'neg_binomial': lambda a_, b: st.nbinom.logpmf(y, a_, b / (1 + b)),
        'neg_binomial_2': lambda m, p: st.nbinom.logpmf(y, p, p / (m + p)),
        'hypergeometric': lambda n, a_, b: st.hypergeom.logpmf(y, a_ + b, a_, n),
    }
    return float(table[name](*a)) if name in table else None


def scipy_multi(name, row):
    from scipy import stats as st
    y, a = row[0], row[1:]
    if name == 'multi_normal':
        return st.multivariate_normal.logpdf(y, a[0], a[1])
    if name == 'multi_student_t':
        return st.multivariate_t.logpdf(y, a[1], a[2], a[0])
    if name == 'dirichlet':
        return st.dirichlet.logpdf(y, a[0])
    if name == 'multinomial' and min(a[0]) > 0:
        return st.multinomial.logpmf(y, sum(y), a[0])
    if name in ('wishart', 'inv_wishart'):
        import numpy as np
        family = st.wishart if name == 'wishart' else st.invwishart
        return family.logpdf(np.array(y), a[0], np.array(a[1]))
    return None


# ---------------------------------------------------------------- writing


def lpdf_row(name, row):
    terms = [mpf(t) for t in DIST[name]['terms'](*[F(x) for x in row])]
    value = sum(terms)
    opinion = scipy_opinion(name, row)
    largest = max(abs(t) for t in terms)
    if opinion is not None and math.isfinite(opinion) and math.isfinite(float(value)):
        if abs(opinion - float(value)) > 1e-6 * max(1, abs(float(value)), float(largest) * 1e-6):
            sys.stderr.write('scipy differs: %s%r: %r, here %r\n' % (name, row, opinion, float(value)))
    out = plain(row) + [number(value)]
    if largest < inf and largest > 1000 * max(1, abs(value)):
        out.append(float(largest))
    return out


def worth_a_log(p):
    return p > 0 and log(p) < -mpf('1e-290') and log(p) > -mpf(10)**6


def distributions():
    out = {}
    for name, d in DIST.items():
        entry = dict(kind=d['kind'], support=d['support'], arguments=d['args'])
        rows = [tuple(r) for r in POINTS[name]]
        entry['lpdf'] = [lpdf_row(name, r) for r in rows]
        entry['edges'] = [plain(r[:-1]) + [r[-1] if isinstance(r[-1], str) else number(r[-1])] for r in EDGES.get(name, [])]
        if d['cdf']:
            entry['cdf'], entry['lcdf'], entry['lccdf'] = [], [], []
            for r in rows:
                if abs(r[0]) > 1e3 or any(abs(x) > 1e4 or 0 < abs(x) < 1e-100 for x in r):
                    continue
                args = [F(x) for x in r]
                p, q = d['cdf'](*args), d['sf'](*args)
                if p > mpf('1e-300'):
                    entry['cdf'].append(plain(r) + [number(p)])
                if worth_a_log(p):
                    entry['lcdf'].append(plain(r) + [number(log(p))])
                if worth_a_log(q):
                    entry['lccdf'].append(plain(r) + [number(log(q))])
        out[name] = entry
        sys.stderr.write('%s\n' % name)
    for name, (kind, args, f, rows) in MULTI.items():
        entry = dict(kind='multivariate', support=kind, arguments=args, lpdf=[])
        for r in rows:
            value = number(f(*r))
            entry['lpdf'].append(plain(r) + [value])
            opinion = scipy_multi(name, r)
            if opinion is not None and abs(opinion - value) > 1e-7 * max(1, abs(value)):
                sys.stderr.write('scipy differs: %s%r: %r, here %r\n' % (name, r, opinion, value))
        out[name] = entry
    return out


def functions():
    one = lambda f, xs: [[plain(x), number(f(F(x)))] for x in xs]
    two = lambda f, xs: [plain(x) + [number(f(*[F(v) for v in x]))] for x in xs]
    reals = [-37.5, -4.0, -1.0, -0.3, -1e-10, 1e-10, 0.3, 1.0, 2.5, 11.0, 37.5]
    pos = [1e-300, 1e-12, 0.01, 0.3, 0.999, 1.0, 1.001, 2.0, 3.5, 17.0, 1e3, 1e15, 1e300]
    unit = [1e-300, 1e-20, 1e-5, 0.2, 0.5, 0.75, 0.999999, float(1 - 2**-53)]
    tails = [-700.0, -100.0] + reals + [100.0, 700.0]
    t = {}
    t['inv'] = one(lambda x: 1 / x, reals)
    t['square'] = one(lambda x: x * x, reals)
    t['sqrt'] = one(sqrt, [0.0] + pos)
    t['inv_sqrt'] = one(lambda x: 1 / sqrt(x), pos)
    t['inv_square'] = one(lambda x: 1 / x**2, reals)
    t['cbrt'] = one(lambda x: mp.sign(x) * mp.cbrt(abs(x)), reals + pos)
    t['hypot'] = two(lambda a, b: sqrt(a * a + b * b), [(3.0, 4.0), (0.0, -2.0), (1e-200, 1e-200), (1e200, 1e200), (1.0, 1e-9)])
    t['^'] = two(lambda a, b: a**b, [(2.0, 3.0), (2.0, 0.5), (0.3, -4.5), (1e-5, 7.0), (1.0000001, 1e8), (0.0, 2.0), (0.0, 0.0), (9.0, 0.0)]) \
        + [[-2.0, 3.0, -8.0], [-0.5, 2.0, 0.25]]
    t['abs'] = one(abs, reals + [0.0])
    t['floor'] = one(mp.floor, [-1.5, -1.0, -0.2, 0.0, 0.2, 1.0, 7.9])
    t['ceil'] = one(mp.ceil, [-1.5, -1.0, 0.0, 0.2, 1.0, 7.9])
    t['round'] = [[-1.4, -1.0], [-0.6, -1.0], [0.2, 0.0], [0.6, 1.0], [7.9, 8.0]]
    t['trunc'] = [[-1.7, -1.0], [1.7, 1.0], [0.2, 0.0]]
    t['exp'] = one(exp, tails + [709.0])
    t['exp2'] = one(lambda x: mpf(2)**x, tails)
    t['expm1'] = one(mp.expm1, tails + [1e-300])
    t['log'] = one(log, pos)
    t['log2'] = one(lambda x: log(x, 2), pos)
    t['log10'] = one(lambda x: log(x, 10), pos)
    t['log1p'] = one(log1p, [-0.999999, -0.5, -1e-15, 1e-300, 1e-15, 1e-5, 0.5, 3.0, 1e200])
    t['log1m'] = one(lambda x: log1p(-x), [-1e200, -3.0, -0.5, 1e-300, 1e-15, 0.5, 0.999999])
    t['log1p_exp'] = one(log1pexp, tails)
    t['softplus'] = one(log1pexp, [-30.0, 0.0, 3.0])
    t['log1m_exp'] = one(lambda x: log(-mp.expm1(x)) if x > -1 else log1p(-exp(x)), [-700.0, -37.5, -3.0, -0.7, -0.69, -0.1, -1e-10, -1e-300])
    t['log_expm1'] = one(lambda x: log(mp.expm1(x)), [1e-300, 1e-10, 0.1, 1.0, 5.0, 29.9, 30.1, 300.0, 1e5])
    t['log_sum_exp'] = two(lambda a, b: log(exp(a) + exp(b)), [(0.0, 0.0), (1.0, -1.0), (1000.0, 1001.0), (-1000.0, -999.0), (0.0, -50.0), (-3.0, 40.0)])
    t['log_diff_exp'] = two(lambda a, b: log(exp(a) - exp(b)), [(1.0, 0.0), (1000.0, 999.0), (-1000.0, -1001.0), (0.0, -1e-9), (0.0, -50.0)])
    t['inv_logit'] = one(lambda x: 1 / (1 + exp(-x)), tails)
    t['logit'] = one(lambda p: log(p) - log1p(-p), unit)
    t['inv_logit_complement'] = one(lambda x: 1 / (1 + exp(x)), tails)
    t['log_inv_logit'] = one(lambda x: -log1pexp(-x), tails)
    t['log1m_inv_logit'] = one(lambda x: -log1pexp(x), tails)
    t['inv_cloglog'] = one(lambda x: -mp.expm1(-exp(x)), [-300.0, -30.0, -1.0, 0.0, 1.0, 3.0])
    t['multiply_log'] = two(lambda a, b: a * log(b), [(2.0, 3.0), (-1.5, 0.2), (4.0, 1e-300), (0.0, 2.0)]) + [[0.0, 0.0, 0.0]]
    for f in ('sin', 'cos', 'tan', 'atan', 'sinh', 'cosh', 'tanh', 'asinh'):
        t[f] = one(getattr(mp, f), reals + ([1e5, -1e3] if f in ('sin', 'cos', 'tan', 'atan', 'tanh', 'asinh') else [300.0]))
    t['asin'] = one(mp.asin, [-1.0, -0.999, -0.5, 1e-10, 0.3, 0.999999, 1.0])
    t['acos'] = one(mp.acos, [-1.0, -0.999, -0.5, 1e-10, 0.3, 0.999999])
    t['atan2'] = two(mp.atan2, [(1.0, 2.0), (1.0, -2.0), (-1.0, -2.0), (-1.0, 2.0), (3.0, 0.0), (1e-200, 1e-200)])
    t['acosh'] = one(mp.acosh, [1.0, 1.0000001, 1.5, 4.0, 1e10])
    t['atanh'] = one(mp.atanh, [-0.999999, -0.5, 1e-12, 0.3, 0.9])
    gam = [1e-300, 1e-10, 0.01, 0.3, 0.5, 0.999, 1.0, 1.001, 1.4616321449683623, 1.999, 2.0, 2.001, 2.5, 3.5, 7.0, 11.9, 12.1, 171.0, 1e3, 1e8, 1e15, 1e300]
    t['lgamma'] = one(lg, gam + [-0.3, -1.5, -2.7, -10.1])
    t['digamma'] = one(mp.digamma, gam + [-0.3, -1.5, -2.7, -10.1])
    t['trigamma'] = one(lambda x: mp.psi(1, x), [g for g in gam if g > 1e-100 and g < 1e100] + [-0.3, -1.5])
    t['tetragamma'] = one(lambda x: mp.psi(2, x), [g for g in gam if g > 1e-90 and g < 1e100] + [-0.3, -1.5])
    t['lbeta'] = two(lbeta, [(1.0, 1.0), (0.5, 0.5), (2.5, 3.5), (1e-10, 3.0), (1e-5, 1e-5), (1e5, 1e5), (1e5, 0.3), (1e12, 2.5), (30.0, 12.0), (9.9, 1e3)])
    t['lchoose'] = two(lchoose, [(10.0, 3.0), (10.0, 0.0), (10.0, 10.0), (1000.0, 500.0), (5.5, 2.25), (1e6, 3.0), (0.0, 0.0)])
    ig = [(0.3, 1e-8), (0.3, 0.2), (0.3, 5.0), (1.0, 1.0), (2.5, 0.1), (2.5, 2.5), (2.5, 60.0), (40.0, 30.0), (40.0, 41.0), (40.0, 80.0),
          (1e3, 950.0), (1e3, 1e3), (1e3, 1100.0), (1e-5, 1.0), (5.0, 1e-30), (200.0, 20.0)]
    t['gamma_p'] = two(gamma_p, ig + [(2.0, 0.0)])
    t['gamma_q'] = two(gamma_q, ig + [(2.0, 0.0)])

    def q_da(a, x):
        with mp.workdps(80):
            return mp.diff(lambda s: gamma_q(s, x), a, h=mpf(10)**-30)
    t['gamma_q_da'] = two(q_da, [g for g in ig if g[0] < 500 and g[0] > 1e-3])
    far = [(2.5, 600.0), (3.0, 900.0), (9.0, 1e-60), (0.3, 800.0), (1e3, 200.0), (1e3, 4e3), (1e-3, 30.0), (8.0, 3e3)]

    def log_da(f):
        def g(a, x):
            with mp.workdps(80 + 2 * int(x / 2.3)):
                return mp.diff(lambda s: log(f(s, mpf(x))), a, h=mpf(10)**-30)
        return g
    t['log_gamma_p'] = two(lambda a, x: log(1 - gamma_q(a, x)) if x > a + 30 else log(gamma_p(a, x)), ig + far)
    t['log_gamma_q'] = two(lambda a, x: log(gamma_q(a, x)), ig + far)
    t['log_gamma_p_da'] = two(log_da(gamma_p), [g for g in ig + far if g[0] < 500 and g[0] > 1e-4 and g[1] < g[0] + 100])
    t['log_gamma_q_da'] = two(log_da(gamma_q), [g for g in ig + far if g[0] > 1e-4])
    t['log_gamma_p_dx'] = two(lambda a, x: exp((a - 1) * log(x) - x - lg(a)) / gamma_p(a, x), ig + far)
    t['log_gamma_q_dx'] = two(lambda a, x: exp((a - 1) * log(x) - x - lg(a)) / gamma_q(a, x), ig + far)
    for f in ('log_gamma_p', 'log_gamma_q', 'log_gamma_p_da', 'log_gamma_q_da'):  # below these digits they are 0
        t[f] = [row for row in t[f] if abs(row[-1]) > 1e-50]
    ib = [(0.5, 0.5, 0.3), (1.0, 1.0, 0.7), (2.5, 0.3, 0.9), (2.5, 0.3, 1e-10), (30.0, 12.0, 0.7), (30.0, 12.0, 0.3), (0.01, 3.0, 0.2), (300.0, 400.0, 0.43),
          (1e4, 2e4, 0.33), (5.0, 1.0, 0.999999), (3.0, 7.0, 0.5), (2.0, 3.0, 0.0), (2.0, 3.0, 1.0)]
    t['inc_beta'] = two(inc_beta, ib)

    def b_da(a, b, x):
        with mp.workdps(80):
            return mp.diff(lambda s: inc_beta(s, b, x), a, h=mpf(10)**-30)
    t['inc_beta_da'] = two(b_da, [v for v in ib if v[0] < 1e3 and 0 < v[2] < 1])
    t['erf'] = one(mp.erf, [-6.0, -2.0, -0.5, -1e-12, 1e-300, 1e-12, 0.3, 1.0, 3.0, 6.0])
    t['erfc'] = one(mp.erfc, [-6.0, -2.0, -0.5, 1e-12, 0.3, 1.0, 3.0, 6.0, 15.0, 26.0])
    t['erfcx'] = one(lambda x: exp(x * x) * mp.erfc(x), [-20.0, -5.0, -1.0, -0.1, 1e-12, 0.3, 1.0, 3.0, 8.0, 26.0, 27.0, 100.0, 1e5, 1e10])
    z = [-37.0, -20.0, -8.0, -3.0, -1.0, -0.2, 1e-12, 0.2, 1.0, 3.0, 8.0]
    t['Phi'] = one(norm_cdf, z)
    t['log_Phi'] = one(log_norm_cdf, [-1e10, -1e4, -100.0] + z + [20.0, 30.0])
    t['inv_Phi'] = one(lambda p: sqrt(mpf(2)) * mp.erfinv(2 * p - 1) if p > 1e-20 else mp.findroot(
        lambda s: log_norm_cdf(s) - log(p), -sqrt(-2 * log(p))), [1e-300, 1e-100, 1e-25, 1e-15, 1e-5, 0.01, 0.2, 0.5, 0.7, 0.975, 0.999999, 1 - 1e-15])
    owen = lambda h, a: mp.quad(lambda u: exp(-h * h * (1 + u * u) / 2) / (1 + u * u), [0, a / 4, a / 2, a]) / (2 * pi)
    t['owens_t'] = two(owen, [(0.0, 1.0), (0.0, 5.0), (0.5, 0.5), (1.0, 1.0), (2.0, 0.3), (-1.0, 2.0), (1.0, -2.0), (4.0, 0.9), (6.5, 0.45), (0.06, 100.0),
                              (2.0, 0.99999), (0.3, 10.0), (7.0, 0.97), (4.8, 0.01), (1.0, 0.0)])
    bess = [-20.0, -1.0, 1e-10, 0.5, 1.0, 3.0, 7.7, 15.0, 40.0, 300.0]
    t['bessel_i0'] = one(lambda x: mp.besseli(0, x), bess)
    t['bessel_i1'] = one(lambda x: mp.besseli(1, x), bess)
    t['bessel_i0e'] = one(lambda x: mp.besseli(0, x) * exp(-abs(x)), bess + [1e3, 1e5])
    t['bessel_i1e'] = one(lambda x: mp.besseli(1, x) * exp(-abs(x)), bess + [1e3, 1e5])
    t['log_bessel_i0'] = one(lambda x: log(mp.besseli(0, x)), bess)
    return t


def constraints():
    """Rows: [unconstrained..., constrained..., log |Jacobian|]."""
    out = {}
    xs = [-30.0, -3.0, -0.4, 0.0, 0.7, 2.0, 25.0]
    lower = lambda l: [[x, number(F(l) + exp(F(x))), x] for x in xs]
    out['lower'] = {'0': lower(0.0), '-1.5': lower(-1.5), '10.0': lower(10.0)}
    upper = lambda u: [[x, number(F(u) - exp(F(x))), x] for x in xs]
    out['upper'] = {'0': upper(0.0), '2.5': upper(2.5)}

    def both(l, u):
        rows = []
        for x in xs:
            s = 1 / (1 + exp(-F(x)))
            rows.append([x, number(F(l) + (F(u) - F(l)) * s), number(log(F(u) - F(l)) - log1pexp(-F(x)) - log1pexp(F(x)))])
        return rows
    out['both'] = {'0,1': both(0, 1), '-2.0,3.5': both(-2.0, 3.5), '0,1e-3': both(0, 1e-3)}
    out['offset_multiplier'] = {'%r,%r' % (o, m): [[x, number(F(o) + F(m) * F(x)), number(log(F(m)))] for x in xs]
                                for o, m in ((1.5, 2.0), (-100.0, 0.01), (0.0, 1e6))}

    def ordered(x, positive):
        y = [exp(F(x[0])) if positive else F(x[0])]
        for v in x[1:]:
            y.append(y[-1] + exp(F(v)))
        jac = sum(F(v) for v in (x if positive else x[1:]))
        return list(x) + [number(v) for v in y] + [number(jac)]
    pts = [(0.0, 0.0, 0.0), (-1.0, 0.5, 2.0), (3.0, -12.0, 4.0), (0.2, 1.0, -3.0)]
    out['ordered'] = {'3': [ordered(p, False) for p in pts]}
    out['positive_ordered'] = {'3': [ordered(p, True) for p in pts]}
    return out


def write(name, value):
    lines = []
    for key in value:
        body = json.dumps(value[key], separators=(',', ':'))
        body = body.replace('],"', '],\n  "').replace(']],', ']],\n')
        lines.append(json.dumps(key) + ': ' + body)
    text = '{\n' + ',\n'.join(lines) + '\n}\n'
    json.loads(text)
    with open(os.path.join(HERE, name), 'w') as f:
        f.write(text)


if __name__ == '__main__':
    write('constraints.json', constraints())
    write('functions.json', functions())
    write('distributions.json', distributions())
