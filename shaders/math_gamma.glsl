// The gamma family.
#ifndef DREY_MATH_GAMMA
#define DREY_MATH_GAMMA
#include "math_circular.glsl"

// lgamma(x) - ((x - 1/2) log x - x + log(2 pi)/2) for x >= 8 (DLMF 5.11.1).
real drey_stirling(real x) {
  const real i = real(1.0) / x, z = i * i;
#ifdef DREY_F64
  real s = -3617.0lf / 122400.0lf;
  s = s * z + 1.0lf / 156.0lf;
  s = s * z - 691.0lf / 360360.0lf;
  s = s * z + 1.0lf / 1188.0lf;
  s = s * z - 1.0lf / 1680.0lf;
  s = s * z + 1.0lf / 1260.0lf;
#else
  real s = 1.0 / 1260.0;
#endif
  s = s * z - real(1.0lf / 360.0lf);
  s = s * z + real(1.0lf / 12.0lf);
  return s * i;
}

real drey_lgamma(real x) {
  const bool mirrored = x < real(0.5);
  const real y = mirrored ? real(1.0) - x : x;
  // Shift to y + 8 by the recurrence: the product of eight factors is below 1e8.
  const bool small = y < real(8.0);
  const real z = y + (small ? real(8.0) : real(0.0));
  const real product = y * (y + real(1.0)) * (y + real(2.0)) * (y + real(3.0)) * (y + real(4.0)) * (y + real(5.0)) *
                       (y + real(6.0)) * (y + real(7.0));
  const real l = drey_log(z);
  real r = (z - real(0.5)) * l - z + real(0.91893853320467274178lf) + drey_stirling(z);
  if (small) r -= drey_log(product);
  if (mirrored) {
    const real s = abs(drey_sin_pi(x));
    r = s == real(0.0) ? DREY_INF : real(1.14472988584940017414lf) - drey_log(s) - r;
  }
  return isinf(x) ? DREY_INF : r;
}

real drey_digamma(real x) {
  const bool mirrored = x < real(0.5);
  real y = mirrored ? real(1.0) - x : x;
  real shift = real(0.0);
  if (y < real(8.0)) {
    // sum of 1 / (y + k), k = 0..7, in pairs.
    shift = (real(2.0) * y + real(7.0)) / (y * (y + real(7.0))) +
            (real(2.0) * y + real(7.0)) / ((y + real(1.0)) * (y + real(6.0))) +
            (real(2.0) * y + real(7.0)) / ((y + real(2.0)) * (y + real(5.0))) +
            (real(2.0) * y + real(7.0)) / ((y + real(3.0)) * (y + real(4.0)));
    y += real(8.0);
  }
  const real i = real(1.0) / y, z = i * i;
#ifdef DREY_F64
  real s = 1.0lf / 12.0lf;
  s = s * z - 691.0lf / 32760.0lf;
  s = s * z + 1.0lf / 132.0lf;
  s = s * z - 1.0lf / 240.0lf;
  s = s * z + 1.0lf / 252.0lf;
#else
  real s = 1.0 / 252.0;
#endif
  s = s * z - real(1.0lf / 120.0lf);
  s = s * z + real(1.0lf / 12.0lf);
  real r = drey_log(y) - real(0.5) * i - s * z - shift;
  if (mirrored) {
    r = floor(x) == x ? DREY_NAN : r - real(3.14159265358979323846lf) * drey_cos_pi(x) / drey_sin_pi(x);
  }
  return x == DREY_INF ? x : r;
}

#endif
