// Exponentials, logarithms, powers, and what statistics makes of them. Coefficients not otherwise sourced are
// minimax polynomials computed with Sollya's fpminimax.

// log(2) in two parts, the first short enough for exact products with an exponent.
#ifdef DREY_F64
#define DREY_LN2_HIGH 6.93147180369123816490e-01lf
#define DREY_LN2_LOW 1.90821492927058770002e-10lf
#define DREY_LOG2E 1.4426950408889634lf
#define DREY_ROUNDER 6755399441055744.0lf  // 1.5 * 2^52: adding it rounds to an integer, in the low bits
#define DREY_EXP_MIN -708.39641853226408lf
#define DREY_EXP_MAX 709.78271289338397lf
#else
#define DREY_LN2_HIGH 0.693359375
#define DREY_LN2_LOW -2.12194440e-4
#define DREY_LOG2E 1.44269504
#define DREY_ROUNDER 12582912.0  // 1.5 * 2^23
#define DREY_EXP_MIN -87.33654
#define DREY_EXP_MAX 88.72283
#endif
#define DREY_LN2 real(0.69314718055994531lf)

#ifdef DREY_F64
// (exp(r) - 1 - r) / r^2, |r| <= log(2) / 2.
double drey_exp_series(double r) {
  const double r2 = r * r;
  const double r4 = r2 * r2;
  const double r8 = r4 * r4;
  return (2.5117895328099572e-08lf * r + 2.7631630740598488e-07lf) * r8 + (((2.7557216213356611e-06lf * r +
      2.480148892704289e-05lf) * r2 + (0.00019841269917452405lf * r + 0.0013888888948046805lf)) * r4 +
      ((0.0083333333333071909lf * r + 0.041666666666511164lf) * r2 + (0.16666666666666699lf * r +
      0.50000000000000133lf)));
}

// (log((1 + s) / (1 - s)) - 2 s) / s^3 as a function of z = s^2, 0 <= z <= 0.0295.
double drey_atanh_series(double z) {
  const double z2 = z * z;
  const double z4 = z2 * z2;
  return ((0.13287967387836336lf * z + 0.13246560634783097lf) * z2 + (0.15387219797330925lf * z +
      0.18181773620629615lf)) * z4 + ((0.22222222656591104lf * z + 0.28571428569168472lf) * z2 +
      (0.40000000000005326lf * z + 0.66666666666666663lf));
}

// The same for 0 <= z <= 1/9.
double drey_atanh_series_wide(double z) {
  const double z2 = z * z;
  const double z4 = z2 * z2;
  const double z8 = z4 * z4;
  return (0.14945270426385635lf * z2 + (0.078922057313601052lf * z + 0.10745100886585303lf)) * z8 +
      (((0.11748288235405441lf * z + 0.13333976518786436lf) * z2 + (0.1538460908370376lf * z +
      0.18181817687588292lf)) * z4 + ((0.22222222243321704lf * z + 0.28571428571094848lf) * z2 +
      (0.40000000000002117lf * z + 0.66666666666666663lf)));
}

// 2^k of the rounding sum t = k + DREY_ROUNDER, -1022 <= k <= 1023.
double drey_power_of_two(double t) { return packDouble2x32(uvec2(0u, (unpackDouble2x32(t).x + 1023u) << 20)); }

// p * 2^k with that t, for 0.5 < p < 2 where the product is normal.
double drey_scale(double p, double t) {
  uvec2 bits = unpackDouble2x32(p);
  bits.y += unpackDouble2x32(t).x << 20;
  return packDouble2x32(bits);
}

// x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); x positive and normal. f is exact.
double drey_log_split(double x, out double k) {
  uvec2 bits = unpackDouble2x32(x);
  const int shifted = int(bits.y) - 0x3FE6A09E;
  k = double(shifted >> 20);
  bits.y = uint((shifted & 0x000FFFFF) + 0x3FE6A09E);
  return packDouble2x32(bits) - 1.0lf;
}

// 2^-k of what drey_log_split gave; 0 where that is subnormal.
double drey_log_unscale(double k) { return packDouble2x32(uvec2(0u, uint(max(1023 - int(k), 0)) << 20)); }

// log(2^k (1 + f)); fdlibm's e_log.c.
double drey_log_join(double f, double k) {
  const double s = f / (2.0lf + f);
  const double z = s * s;
  const double half_square = 0.5lf * f * f;
  const double rest = s * (half_square + z * drey_atanh_series(z)) + k * DREY_LN2_LOW;
  return k * DREY_LN2_HIGH - ((half_square - rest) - f);
}

// log(1 + e), 0 <= e <= 1.
double drey_log1p_unit(double e) {
  const double s = e / (2.0lf + e);
  const double z = s * s;
  // 2 s = e - s e.
  return e - s * (e - z * drey_atanh_series_wide(z));
}
#else
// (exp(r) - 1 - r) / r^2, |r| <= log(2) / 2.
float drey_exp_series(float r) {
  const float r2 = r * r;
  const float r4 = r2 * r2;
  return 0.001393785 * r4 + ((0.00836897176 * r + 0.0416664332) * r2 + (0.166665182 * r + 0.5));
}

// (log(1 + f) - f + f^2 / 2) / f^3, sqrt(1/2) <= 1 + f < sqrt(2).
float drey_log_series(float f) {
  const float f2 = f * f;
  const float f4 = f2 * f2;
  return ((-0.0811486691 * f + 0.130323172) * f2 + (-0.130887419 * f + 0.141504616)) * f4 + ((-0.166262671 *
      f + 0.200043112) * f2 + (-0.250007957 * f + 0.333332747));
}

// log(1 + e) / e, 0 <= e <= 1.
float drey_log1p_series(float e) {
  const float e2 = e * e;
  const float e4 = e2 * e2;
  const float e8 = e4 * e4;
  return (-0.00329400389 * e + 0.0200911909) * e8 + (((-0.0574444979 * e + 0.106574215) * e2 + (-0.15341118 *
      e + 0.196901813)) * e4 + ((-0.249575064 * e + 0.333303988) * e2 + (-0.499999285 * e + 1.0)));
}

// 2^k of the rounding sum t = k + DREY_ROUNDER, -126 <= k <= 127.
float drey_power_of_two(float t) { return intBitsToFloat((floatBitsToInt(t) << 23) + 0x3F800000); }

// p * 2^k with that t, for 0.5 < p < 2 where the product is normal.
float drey_scale(float p, float t) { return intBitsToFloat(floatBitsToInt(p) + (floatBitsToInt(t) << 23)); }

// x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); x positive and normal. f is exact.
float drey_log_split(float x, out float k) {
  const int shifted = floatBitsToInt(x) - 0x3F3504F3;
  k = float(shifted >> 23);
  return intBitsToFloat((shifted & 0x007FFFFF) + 0x3F3504F3) - 1.0;
}

// 2^-k of what drey_log_split gave; 0 where that is subnormal.
float drey_log_unscale(float k) { return intBitsToFloat(max(127 - int(k), 0) << 23); }

// log(2^k (1 + f)); the order of sums of Cephes' logf.c.
float drey_log_join(float f, float k) {
  const float square = f * f;
  const float rest = (f * square * drey_log_series(f) + k * DREY_LN2_LOW) - 0.5 * square;
  return k * DREY_LN2_HIGH + (f + rest);
}

// log(1 + e), 0 <= e <= 1.
float drey_log1p_unit(float e) { return e * drey_log1p_series(e); }
#endif

// x = k log(2) + r, |r| <= log(2) / 2; k as the rounding sum t. `low` is what r lost in rounding.
real drey_exp_split(real x, out real t, out real low) {
  precise real sum = x * DREY_LOG2E + DREY_ROUNDER;
  precise real k = sum - DREY_ROUNDER;
  precise real high = x - k * DREY_LN2_HIGH;
  precise real tail = k * DREY_LN2_LOW;
  precise real r = high - tail;
  low = (high - r) - tail;
  t = sum;
  return r;
}

// exp(r), |r| <= log(2) / 2; the sums in this order.
real drey_exp_reduced(real r) {
  precise real small = r + r * r * drey_exp_series(r);
  precise real y = real(1.0) + small;
  return y;
}

real drey_exp(real x) {
  real t, low;
  const real r = drey_exp_split(x, t, low);
  const real y = drey_scale(drey_exp_reduced(r), t);
  // NaN fails both comparisons.
  return x <= DREY_EXP_MAX ? (x < DREY_EXP_MIN ? real(0.0) : y) : x + DREY_INFINITY;
}

real drey_exp2(real x) {
  precise real t = x + DREY_ROUNDER;
  precise real k = t - DREY_ROUNDER;
  const real r = (x - k) * DREY_LN2;
  const real y = drey_scale(drey_exp_reduced(r), t);
#ifdef DREY_F64
  return x < 1024.0lf ? (x < -1022.0lf ? 0.0lf : y) : x + DREY_INFINITY;
#else
  return x < 128.0 ? (x < -126.0 ? 0.0 : y) : x + DREY_INFINITY;
#endif
}

real drey_expm1(real x) {
  real t, low;
  const real r = drey_exp_split(x, t, low);
  // Half of 2^k, so that the largest results do not overflow on the way.
  const real s = drey_power_of_two(t - real(1.0));
  const real rest = r * r * drey_exp_series(r) + low;
  precise real leading = (s - real(0.5)) + s * r;
  precise real y = real(2.0) * (leading + s * rest);
  return x <= DREY_EXP_MAX ? (x < real(-40.0) ? real(-1.0) : y) : x + DREY_INFINITY;
}

// y where x is positive, normal and finite, else what a logarithm of x is.
real drey_log_edges(real x, real y) {
  return x >= DREY_SMALLEST ? (x < DREY_INFINITY ? y : x) : (x >= real(0.0) ? -DREY_INFINITY : DREY_NAN);
}

real drey_log(real x) {
  real k;
  const real f = drey_log_split(x, k);
  return drey_log_edges(x, drey_log_join(f, k));
}

real drey_log2(real x) {
  real k;
  const real f = drey_log_split(x, k);
  return drey_log_edges(x, k + drey_log_join(f, real(0.0)) * DREY_LOG2E);
}

real drey_log10(real x) {
  real k;
  const real f = drey_log_split(x, k);
  // log10(2), its first part short.
#ifdef DREY_F64
  const real power = k * 3.01029995663611771306e-01lf, rest = k * 3.69423907715893078616e-13lf;
#else
  const real power = k * 0.30078125, rest = k * 2.48745663981195213739e-4;
#endif
  return drey_log_edges(x, power + (rest + drey_log_join(f, real(0.0)) * real(0.43429448190325183lf)));
}

// log(u + c), c a rounding error of u.
real drey_log_sum(real u, real c) {
  real k;
  const real f = drey_log_split(u, k);
  return drey_log_edges(u, drey_log_join(f + c * drey_log_unscale(k), k));
}

// What 1 + x lost as it was rounded to u.
real drey_one_plus_error(real x, real u) {
  precise real whole = u - real(1.0);
  precise real c = x - whole;
  return c;
}

real drey_log1p(real x) {
  const real u = real(1.0) + x;
  return drey_log_sum(u, drey_one_plus_error(x, u));
}

// log(1 + exp(x)); Maechler, "Accurately computing log(1 - exp(-|a|))", 2012.
real drey_log1p_exp(real x) {
  return (x > real(0.0) ? x : real(0.0)) + drey_log1p_unit(drey_exp(-abs(x)));
}

real drey_inv_logit(real x) {
  const real e = drey_exp(-abs(x));
  return (x < real(0.0) ? e : real(1.0)) / (real(1.0) + e);
}

// log(1 - exp(x)), x <= 0; the same note.
real drey_log1m_exp(real x) {
  const bool near = x > -DREY_LN2;
  const real e = -drey_exp(x);
  const real u = real(1.0) + e;
  return drey_log_sum(near ? -drey_expm1(x) : u, near ? real(0.0) : drey_one_plus_error(e, u));
}

// log(exp(x) - 1), x >= 0.
real drey_log_expm1(real x) {
  const bool near = x < DREY_LN2;
  const real e = -drey_exp(-x);
  const real u = real(1.0) + e;
  const real y = drey_log_sum(near ? drey_expm1(x) : u, near ? real(0.0) : drey_one_plus_error(e, u));
  return near ? y : x + y;
}

// log(exp(a) + exp(b)).
real drey_log_sum_exp(real a, real b) {
  const real y = (a > b ? a : b) + drey_log1p_unit(drey_exp(-abs(a - b)));
  return a == b ? a + DREY_LN2 : y;  // equal infinities have no difference
}

// log(exp(a) - exp(b)), a >= b.
real drey_log_diff_exp(real a, real b) {
  return b == -DREY_INFINITY ? a : a + drey_log1m_exp(b - a);
}

real drey_logit(real x) {
  const bool low = x < real(0.25);
  const real odds = x / (real(1.0) - x);
  const real e = (real(2.0) * x - real(1.0)) / (real(1.0) - x);  // odds - 1
  const real u = real(1.0) + e;
  const real y = drey_log_sum(low ? odds : u, low ? real(0.0) : drey_one_plus_error(e, u));
  return x == real(1.0) ? DREY_INFINITY : y;
}

real drey_multiply_log(real a, real b) { return a == real(0.0) && b == real(0.0) ? real(0.0) : a * drey_log(b); }
