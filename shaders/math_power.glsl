// Powers: pow with the logarithm carried to twice the precision, and the cube root.
#ifndef DREY_MATH_POWER
#define DREY_MATH_POWER

// a * b = high + low exactly (Dekker, 1971); no fma, which a driver may split.
real drey_product(real a, real b, out real low) {
#ifdef DREY_F64
  const real factor = 134217729.0lf;
#else
  const real factor = 4097.0;
#endif
  precise const real ta = a * factor, tb = b * factor;
  precise const real ah = ta - (ta - a), bh = tb - (tb - b);
  precise const real al = a - ah, bl = b - bh;
  precise const real high = a * b;
  precise const real rest = ((ah * bh - high) + ah * bl + al * bh) + al * bl;
  low = rest;
  return high;
}

// log(x) = high + low for positive finite x, to about 1.5 times the precision.
real drey_log_pair(real x, out real low) {
  real k;
  const real f = drey_split(x, k);
  precise const real d = real(2.0) + f;
  precise const real d_low = f - (d - real(2.0));
  const real s = f / d;
  real p_low;
  const real p = drey_product(s, d, p_low);
  precise const real rest = ((f - p) - p_low) - s * d_low;
  const real s_low = rest / d;
  const real z = s * s;
  // 2 atanh(s) = 2 s + 2 s z (1/3 + z/5 + ...), z < 0.0295.
#ifdef DREY_F64
  real t = 2.0lf / 23.0lf;
  t = t * z + 2.0lf / 21.0lf;
  t = t * z + 2.0lf / 19.0lf;
  t = t * z + 2.0lf / 17.0lf;
  t = t * z + 2.0lf / 15.0lf;
  t = t * z + 2.0lf / 13.0lf;
  t = t * z + 2.0lf / 11.0lf;
  const real ln2_high = 6.93147180369123816490e-01lf, ln2_low = 1.90821492927058770002e-10lf;
#else
  real t = 2.0 / 11.0;
  const real ln2_high = 0.693359375, ln2_low = -2.12194440e-4;
#endif
  t = t * z + real(2.0lf / 9.0lf);
  t = t * z + real(2.0lf / 7.0lf);
  t = t * z + real(2.0lf / 5.0lf);
  // The cubic term is large enough for its rounding to show: carry it.
  real z_low;
  const real zz = drey_product(s, s, z_low);
  real c_low;
  const real cube = drey_product(s, zz, c_low);
  real third_low;
  const real third = drey_product(cube, real(0.66666666666666666667lf), third_low);
#ifdef DREY_F64
  const real third_rest = 3.7007434154171886e-17lf;  // 2/3 less its nearest double
#else
  const real third_rest = -1.9868215e-8;
#endif
  precise const real tail = s * (z * z) * t + third_low + (c_low + s * z_low) * real(0.66666666666666666667lf) +
                            cube * third_rest + real(2.0) * s_low + k * ln2_low;
  const real a = k * ln2_high, b = real(2.0) * s;  // a is exact
  precise const real ab = a + b;
  precise const real ab_low = k == real(0.0) ? real(0.0) : b - (ab - a);
  precise const real abc = ab + third;
  precise const real abc_low = third - (abc - ab);
  precise const real total_low = (tail + ab_low) + abc_low;
  precise const real high = abc + total_low;
  precise const real rest_low = total_low - (high - abc);
  low = rest_low;
  return high;
}

real drey_pow(real x, real y) {
  const real a = abs(x);
  real log_low;
  const real log_high = drey_log_pair(a, log_low);
  real low;
  const real high = drey_product(log_high, y, low);
  const real correction = low + log_low * y;
  const real e = drey_exp(high);
  // Beyond these the exponential says all there is; the correction may be NaN.
#ifdef DREY_F64
  real r = abs(high) < 800.0lf ? e + e * correction : e;
#else
  real r = abs(high) < 110.0 ? e + e * correction : e;
#endif
  if (isinf(e)) r = e;
  const real half_y = real(0.5) * y;
  const bool whole = floor(y) == y, odd = whole && floor(half_y) != half_y;
  // Zero and infinite bases, infinite exponents.
  if (a == real(0.0)) r = y < real(0.0) ? DREY_INF : real(0.0);
  if (isinf(a)) r = y < real(0.0) ? real(0.0) : DREY_INF;
  if (isinf(y)) r = a == real(1.0) ? real(1.0) : ((a > real(1.0)) == (y > real(0.0)) ? DREY_INF : real(0.0));
  if (x < real(0.0)) r = (whole || isinf(a)) ? (odd ? -r : r) : DREY_NAN;
  if (isnan(x) || isnan(y)) r = DREY_NAN;
  if (y == real(0.0) || x == real(1.0)) r = real(1.0);
  return r;
}

real drey_cbrt(real x) {
  const real a = abs(x);
  real y = drey_exp(drey_log(a) * real(0.33333333333333333333lf));
  y -= (y * y * y - a) / (real(3.0) * y * y);  // Newton's step takes the rounding of the exponent away
  const real r = (a == real(0.0) || isinf(a) || isnan(a)) ? a : y;
  return x < real(0.0) ? -r : r;
}

#endif
