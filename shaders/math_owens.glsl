// Owen's T function.

// exp(-square x^2 / 2) / (1 + x^2) at the points half_width (1 +- node).
real drey_owens_pair(real half_width, real node, real square) {
  real p = half_width * (real(1.0) + node), q = half_width * (real(1.0) - node);
  p *= p;
  q *= q;
  return drey_exp(real(-0.5) * square * p) / (real(1.0) + p) + drey_exp(real(-0.5) * square * q) / (real(1.0) + q);
}

// The integral of that from 0 to 2 half_width, by Gauss and Legendre.
#ifdef DREY_F64
#define DREY_OWENS_WIDTH 8.7lf  // where the integrand is below the last bit

double drey_owens_sum(double half_width, double square) {
  double sum = 0.1100470130164752lf * drey_owens_pair(half_width, 0.055079289884034273lf, square);
  sum += 0.10871119225829413lf * drey_owens_pair(half_width, 0.16456928213338076lf, square);
  sum += 0.10605576592284642lf * drey_owens_pair(half_width, 0.2720616276351781lf, square);
  sum += 0.10211296757806076lf * drey_owens_pair(half_width, 0.3762515160890787lf, square);
  sum += 0.096930657997929923lf * drey_owens_pair(half_width, 0.47587422495511827lf, square);
  sum += 0.090571744393032838lf * drey_owens_pair(half_width, 0.56972047181140173lf, square);
  sum += 0.083113417228901212lf * drey_owens_pair(half_width, 0.65665109403886501lf, square);
  sum += 0.074646214234568783lf * drey_owens_pair(half_width, 0.73561087801363179lf, square);
  sum += 0.065272923966999602lf * drey_owens_pair(half_width, 0.80564137091717913lf, square);
  sum += 0.055107345675716748lf * drey_owens_pair(half_width, 0.86589252257439508lf, square);
  sum += 0.044272934759004227lf * drey_owens_pair(half_width, 0.91563302639213207lf, square);
  sum += 0.032901427782304378lf * drey_owens_pair(half_width, 0.95425928062893817lf, square);
  sum += 0.021132112592771261lf * drey_owens_pair(half_width, 0.9813031653708727lf, square);
  sum += 0.0091242825930945171lf * drey_owens_pair(half_width, 0.99644249757395442lf, square);
  return half_width * sum;
}
#else
#define DREY_OWENS_WIDTH 5.9

float drey_owens_sum(float half_width, float square) {
  float sum = 0.249147043 * drey_owens_pair(half_width, 0.125233412, square);
  sum += 0.233492538 * drey_owens_pair(half_width, 0.367831498, square);
  sum += 0.203167424 * drey_owens_pair(half_width, 0.587317944, square);
  sum += 0.160078332 * drey_owens_pair(half_width, 0.769902647, square);
  sum += 0.106939323 * drey_owens_pair(half_width, 0.904117227, square);
  sum += 0.0471753366 * drey_owens_pair(half_width, 0.981560647, square);
  return half_width * sum;
}
#endif

// T(h, a), h >= 0, 0 <= a <= 1.
real drey_owens_near(real h, real a) {
  const real width = a * h > DREY_OWENS_WIDTH ? DREY_OWENS_WIDTH / h : a;
  const real factor = drey_exp_minus_square(h > real(40.0) ? real(40.0) : h, real(0.5));
  return real(0.15915494309189534lf) * factor * drey_owens_sum(real(0.5) * width, h * h);
}

// Owen's T; beyond a = 1 by Owen (1956), eq. 2.3, in the two upper tails.
real drey_owens_t(real h, real a) {
  const real p = abs(h), q = abs(a);
  real y;
  if (q <= real(1.0)) {
    y = drey_owens_near(p, q);
  } else {
    const real product = p == real(0.0) ? real(0.0) : p * q;
    const real cut = real(40.0);
    const real tail = drey_normal_tail(p > cut ? cut : p), other = drey_normal_tail(product > cut ? cut : product);
    y = (real(0.5) * (tail + other) - tail * other) -
        (product < cut ? drey_owens_near(product, real(1.0) / q) : real(0.0));
  }
  return isnan(h) ? h : a < real(0.0) ? -y : y;
}
