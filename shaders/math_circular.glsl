// Circular and hyperbolic functions, their inverses, roots and pieces.

real drey_square(real x) { return x * x; }

real drey_min(real a, real b) { return a < b || isnan(a) ? a : b; }

real drey_max(real a, real b) { return a > b || isnan(a) ? a : b; }

// Half away from zero, as C has it.
real drey_round(real x) {
  const real whole = trunc(x);
  precise real rest = x - whole;
  return abs(rest) >= real(0.5) ? whole + sign(x) : whole;
}

#ifdef DREY_F64
// (sin(x) / x - 1) / x^2 as a function of z = x^2, |x| <= pi / 4.
double drey_sin_series(double z) {
  const double z2 = z * z;
  const double z4 = z2 * z2;
  return (1.5919025288116832e-10lf * z - 2.5051147729020182e-08lf) * z4 + ((2.7557316205203316e-06lf * z -
      0.00019841269837049915lf) * z2 + (0.008333333333331288lf * z - 0.16666666666666666lf));
}

// (cos(x) - 1 + x^2 / 2) / x^4 likewise.
double drey_cos_series(double z) {
  const double z2 = z * z;
  const double z4 = z2 * z2;
  return (-1.1381441673678727e-11lf * z + 2.0876126379138668e-09lf) * z4 + ((-2.7557317151089723e-07lf * z +
      2.4801587298446158e-05lf) * z2 + (-0.0013888888888887053lf * z + 0.041666666666666664lf));
}

// pi/2 in pieces of 27 bits, whose products with k up to 2^26 are exact, and a rest.
#define DREY_QUARTER_1 1.570796325802803lf
#define DREY_QUARTER_2 9.9209357395935172e-10lf
#define DREY_QUARTER_3 5.7211887096635749e-18lf
#define DREY_QUARTER_4 1.6446256936324258e-26lf
#define DREY_QUADRANTS 0.63661977236758138lf

// (atan(x) / x - 1) / x^2 as a function of z = x^2, |x| <= tan(pi / 8).
double drey_atan_series(double z) {
  const double z2 = z * z;
  const double z4 = z2 * z2;
  const double z8 = z4 * z4;
  return (-0.019174543572021332lf * z2 + (0.039229744536612231lf * z - 0.050853834888428311lf)) * z8 +
      (((0.058581362519061465lf * z - 0.066645099898180446lf) * z2 + (0.076921830873420263lf * z -
      0.090909045736690605lf)) * z4 + ((0.11111111015146714lf * z - 0.1428571428466518lf) * z2 +
      (0.19999999999995513lf * z - 0.33333333333333331lf)));
}

// (asin(x) / x - 1) / x^2 likewise, |x| <= 1 / 2.
double drey_asin_series(double z) {
  const double z2 = z * z;
  const double z4 = z2 * z2;
  const double z8 = z4 * z4;
  return (0.028757851367421566lf * z4 + ((-0.014851887071247204lf * z + 0.017400879442694021lf) * z2 +
      (0.0054575067186403581lf * z + 0.010322814350185779lf))) * z8 + (((0.011479177415184906lf * z +
      0.013971212973552933lf) * z2 + (0.017352392720869973lf * z + 0.022372172942149889lf)) * z4 +
      ((0.030381944138531247lf * z + 0.044642857146355429lf) * z2 + (0.074999999999984329lf * z +
      0.16666666666666669lf)));
}
#define DREY_PI_2 1.5707963267948966lf
#define DREY_PI_2_LOW 6.123233995736766e-17lf
#define DREY_ASYMPTOTIC_ROOT 268435456.0lf

uint drey_low_bits(double t) { return unpackDouble2x32(t).x; }
#else
// (sin(x) / x - 1) / x^2 as a function of z = x^2, |x| <= pi / 4.
float drey_sin_series(float z) {
  return (-0.000195834597 * z + 0.00833271537) * z - 0.166666642;
}

// (cos(x) - 1 + x^2 / 2) / x^4 likewise.
float drey_cos_series(float z) {
  return (2.45436768e-05 * z - 0.00138882711) * z + 0.0416666642;
}

// pi/2 in pieces of 11 bits, whose products with k up to 2^13 are exact, and a rest.
#define DREY_QUARTER_1 1.5703125
#define DREY_QUARTER_2 4.837512969970703125e-4
#define DREY_QUARTER_3 7.5495336204767227e-8
#define DREY_QUARTER_4 2.56334415159451879e-12
#define DREY_QUADRANTS 0.636619772

// (atan(x) / x - 1) / x^2 as a function of z = x^2, |x| <= tan(pi / 8).
float drey_atan_series(float z) {
  const float z2 = z * z;
  const float z4 = z2 * z2;
  return -0.0645159706 * z4 + ((0.107436314 * z - 0.142639458) * z2 + (0.199995399 * z - 0.333333313));
}

// (asin(x) / x - 1) / x^2 likewise, |x| <= 1 / 2.
float drey_asin_series(float z) {
  const float z2 = z * z;
  const float z4 = z2 * z2;
  return (0.0336908475 * z + 0.0171492379) * z4 + ((0.0311006624 * z + 0.0445994027) * z2 + (0.0750009418 * z
      + 0.166666657));
}
#define DREY_PI_2 1.57079637
#define DREY_PI_2_LOW -4.37113900e-8
#define DREY_ASYMPTOTIC_ROOT 8192.0

uint drey_low_bits(float t) { return uint(floatBitsToInt(t)); }
#endif

// x = k pi/2 + r + low, |r| <= pi / 4; k as its last two bits. Right to the last bit while k is as small as the
// pieces want it, |x| up to 1.2e4 in f32 and 1e8 in f64; beyond, r errs more and more.
real drey_circle_split(real x, out uint quadrant, out real low) {
  precise real t = x * DREY_QUADRANTS + DREY_ROUNDER;
  precise real k = t - DREY_ROUNDER;
  precise real a = (x - k * DREY_QUARTER_1) - k * DREY_QUARTER_2;
  precise real b = k * DREY_QUARTER_3;
  precise real c = a - b;
  precise real lost = (a - c) - b;
  precise real rest = lost - k * DREY_QUARTER_4;
  precise real r = c + rest;
  low = (c - r) + rest;
  quadrant = drey_low_bits(t) & 3u;
  return r;
}

// sin and cos of r + low, |r| <= pi / 4.
real drey_sin_core(real r, real low) {
  const real z = r * r;
  return r + (r * z * drey_sin_series(z) + low);
}

real drey_cos_core(real r, real low) {
  const real z = r * r;
  const real half_square = real(0.5) * z;
  precise real w = real(1.0) - half_square;
  precise real lost = (real(1.0) - w) - half_square;
  return w + (lost + (z * z * drey_cos_series(z) - r * low));
}

real drey_sin(real x) {
  uint quadrant;
  real low;
  const real r = drey_circle_split(x, quadrant, low);
  const real y = (quadrant & 1u) == 0u ? drey_sin_core(r, low) : drey_cos_core(r, low);
  return (quadrant & 2u) == 0u ? y : -y;
}

real drey_cos(real x) {
  uint quadrant;
  real low;
  const real r = drey_circle_split(x, quadrant, low);
  const real y = (quadrant & 1u) == 0u ? drey_cos_core(r, low) : drey_sin_core(r, low);
  return quadrant == 1u || quadrant == 2u ? -y : y;
}

real drey_tan(real x) {
  uint quadrant;
  real low;
  const real r = drey_circle_split(x, quadrant, low);
  const real s = drey_sin_core(r, low), c = drey_cos_core(r, low);
  return (quadrant & 1u) == 0u ? s / c : -c / s;
}

real drey_tanh(real x) {
  const real a = abs(x);
  const real e = drey_expm1(real(-2.0) * a);
  const real y = -e / (real(2.0) + e);
  return x < real(0.0) ? -y : y;
}

real drey_sinh(real x) {
  const real a = abs(x);
  const real e = drey_expm1(a);
  // Where exp overflows, a half of it twice.
  const real root = drey_exp(real(0.5) * a);
  const real y = a > DREY_EXP_MAX ? (real(0.5) * root) * root : real(0.5) * (e + e / (real(1.0) + e));
  return x < real(0.0) ? -y : y;
}

real drey_cosh(real x) {
  const real a = abs(x);
  const real root = drey_exp(real(0.5) * a);
  const real e = drey_exp(a);
  return a > DREY_EXP_MAX ? (real(0.5) * root) * root : real(0.5) * e + real(0.5) / e;
}

// The angle of (x, y), both >= 0; reduced to |tan| <= tan(pi / 8) (Cephes' atan.c).
real drey_atan_ratio(real y, real x) {
  const bool high = y > real(2.4142135623730951lf) * x, middle = y > real(0.41421356237309503lf) * x;
  const real above = high ? -x : middle ? y - x : y, below = high ? y : middle ? y + x : x;
  const real base = high ? DREY_PI_2 : middle ? real(0.5) * DREY_PI_2 : real(0.0);
  const real base_low = high ? DREY_PI_2_LOW : middle ? real(0.5) * DREY_PI_2_LOW : real(0.0);
  const real t = above / below;
  const real z = t * t;
  return base + (t + (t * z * drey_atan_series(z) + base_low));
}

real drey_atan(real x) {
  const real y = drey_atan_ratio(abs(x), real(1.0));
  return x < real(0.0) ? -y : y;
}

// The angle of (x, y) in [-pi, pi]; a zero has no sign.
real drey_atan2(real y, real x) {
  const real p = abs(y), q = abs(x);
  const bool corner = p == q && (p == real(0.0) || p == DREY_INFINITY);
  const real ratio = corner ? (p == real(0.0) ? real(0.0) : real(0.5) * DREY_PI_2) : drey_atan_ratio(p, q);
  const real angle = x < real(0.0) ? real(2.0) * DREY_PI_2 - (ratio - real(2.0) * DREY_PI_2_LOW) : ratio;
  return y < real(0.0) ? -angle : angle;
}

// asin(s) - s where s = sqrt(z), |s| <= 1 / 2.
real drey_asin_rest(real s, real z) { return s * z * drey_asin_series(z); }

real drey_asin(real x) {
  const real a = abs(x);
  const bool far = a > real(0.5);
  const real z = far ? real(0.5) * (real(1.0) - a) : a * a;
  const real s = far ? sqrt(max(z, real(0.0))) : a;
  const real rest = drey_asin_rest(s, z);
  const real y = far ? DREY_PI_2 - (real(2.0) * (s + rest) - DREY_PI_2_LOW) : s + rest;
  return a <= real(1.0) ? (x < real(0.0) ? -y : y) : DREY_NAN;
}

real drey_acos(real x) {
  const real a = abs(x);
  const bool far = a > real(0.5);
  const real z = far ? real(0.5) * (real(1.0) - a) : a * a;
  const real s = far ? sqrt(max(z, real(0.0))) : x;
  const real y = s + drey_asin_rest(s, z);
  const real outer = x < real(0.0) ? real(2.0) * (DREY_PI_2 - (y - DREY_PI_2_LOW)) : real(2.0) * y;
  return a <= real(1.0) ? (far ? outer : DREY_PI_2 - (y - DREY_PI_2_LOW)) : DREY_NAN;
}

real drey_asinh(real x) {
  const real a = abs(x);
  const bool far = a > DREY_ASYMPTOTIC_ROOT;  // a^2 + 1 rounds to a^2
  const real square = a * a;
  const real near = drey_log1p(a + square / (real(1.0) + sqrt(square + real(1.0))));
  const real y = far ? drey_log(a) + DREY_LN2 : near;
  return x < real(0.0) ? -y : y;
}

real drey_acosh(real x) {
  const real t = x - real(1.0);
  if (!(t >= real(0.0))) return DREY_NAN;
  return x > DREY_ASYMPTOTIC_ROOT ? drey_log(x) + DREY_LN2 : drey_log1p(t + sqrt(t * (x + real(1.0))));
}

real drey_atanh(real x) {
  const real a = abs(x);
  const real y = real(0.5) * drey_log1p(real(2.0) * a / (real(1.0) - a));
  return a == real(1.0) ? (x < real(0.0) ? -DREY_INFINITY : DREY_INFINITY) : x < real(0.0) ? -y : y;
}
