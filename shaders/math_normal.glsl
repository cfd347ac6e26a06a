// Error functions and the standard normal distribution.

// (1 + 2 a) erfcx(a) as a polynomial in t = (a - K) / (a + K), all a >= 0 (after Shepherd and Laframboise,
// "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x", 1981); and erf(x) / x, 0 <= z = x^2 <= 1.
#ifdef DREY_F64
double drey_erfcx_series(double t) {
  return (((((((((((((((((((((((-2.7641202337345779e-10lf * t + 9.2976252637096592e-10lf) * t +
      3.2323973445082033e-09lf) * t - 1.2338731403798444e-08lf) * t - 2.0725802488181963e-08lf) * t +
      1.0631817593818149e-07lf) * t + 7.7719432410869122e-08lf) * t - 8.2106479332973366e-07lf) * t +
      2.9173425573089733e-07lf) * t + 5.7065782992407402e-06lf) * t - 1.1221135665965907e-05lf) * t -
      2.4397731143023292e-05lf) * t + 0.00015062142608651945lf) * t - 0.00019925715247265179lf) * t -
      0.00075777324359425761lf) * t + 0.0050319700691022562lf) * t - 0.01619773406293477lf) * t +
      0.037167515526338006lf) * t - 0.066330365811860581lf) * t + 0.093732834999112641lf) * t -
      0.10103906603631811lf) * t + 0.068097054254668388lf) * t + 0.015379652102619974lf) * t -
      0.13962111684056228lf) * t + 1.2329951186255526lf;
}

double drey_erf_series(double z) {
  return (((((((((((5.9571761477489113e-11lf * z - 1.1372848856791674e-09lf) * z + 1.4659775274047436e-08lf)
      * z - 1.6350312701054695e-07lf) * z + 1.6461000484121368e-06lf) * z - 1.4925595266831182e-05lf) * z +
      0.0001205533111164271lf) * z - 0.000854832698083379lf) * z + 0.0052239776248180145lf) * z -
      0.026866170645076792lf) * z + 0.11283791670954879lf) * z - 0.37612638903183748lf) * z +
      1.1283791670955126lf;
}
#define DREY_ERFCX_CENTRE 4.0lf
#else
float drey_erfcx_series(float t) {
  return ((((((((((6.80751473e-05 * t + 0.00016084034) * t - 0.000370928406) * t - 0.00139580504) * t +
      0.0012305032) * t + 0.00868925266) * t - 0.0080247391) * t - 0.0542119965) * t + 0.164050505) * t -
      0.166031092) * t - 0.0927638188) * t + 1.27697837;
}

float drey_erf_series(float z) {
  return ((((((-9.66704465e-06 * z + 0.000112659589) * z - 0.000848408032) * z + 0.00522103161) * z -
      0.0268654302) * z + 0.112837821) * z - 0.376126379) * z + 1.12837923;
}
#define DREY_ERFCX_CENTRE 2.0
#endif

// exp(a^2) erfc(a), a >= 0.
real drey_erfcx_core(real a) {
  const real t = (a - DREY_ERFCX_CENTRE) / (a + DREY_ERFCX_CENTRE);
  return drey_erfcx_series(t) / (real(1.0) + real(2.0) * a);
}

// exp(-scale x^2), scale 1 or 1/2, with the rounding of the square carried along.
real drey_exp_minus_square(real x, real scale) {
  const real y = drey_exp(-(scale * (x * x)));
  return y - y * (scale * drey_square_error(x));
}

real drey_erfc(real x) {
  const real a = abs(x) > real(30.0) ? real(30.0) : abs(x);
  const real y = drey_erfcx_core(a) * drey_exp_minus_square(a, real(1.0));
  return x < real(0.0) ? real(2.0) - y : y;
}

real drey_erf(real x) {
  const real tail = real(1.0) - drey_erfc(abs(x));
  return abs(x) < real(1.0) ? x * drey_erf_series(x * x) : (x < real(0.0) ? -tail : tail);
}

real drey_erfcx(real x) {
  if (x == DREY_INFINITY) return real(0.0);
  const real y = drey_erfcx_core(abs(x));
  if (!(x < real(0.0))) return y;
  // Beyond 30 it has long overflowed.
  const real a = x < real(-30.0) ? real(-30.0) : x;
  const real e = drey_exp(a * a);
  return e == DREY_INFINITY ? e : real(2.0) * (e + e * drey_square_error(a)) - y;
}

// The upper tail of the normal distribution beyond a >= 0.
real drey_normal_tail(real a) {
  return real(0.5) * drey_erfcx_core(a * real(0.70710678118654752lf)) * drey_exp_minus_square(a, real(0.5));
}

real drey_Phi(real x) {
  const real y = drey_normal_tail(abs(x) > real(40.0) ? real(40.0) : abs(x));
  return x < real(0.0) ? y : real(1.0) - y;
}

real drey_log_Phi(real x) {
  const bool below = x < real(0.0);
  const real a = abs(x) > real(1e17) ? real(1e17) : abs(x);
  const real core = real(0.5) * drey_erfcx_core(a * real(0.70710678118654752lf));
  const real tail = -(core * drey_exp_minus_square(a > real(40.0) ? real(40.0) : a, real(0.5)));
  const real u = real(1.0) + tail;
  const real l = drey_log_sum(below ? core : u, below ? real(0.0) : drey_one_plus_error(tail, u));
  return below ? l - real(0.5) * x * x : l;
}

// Wichura, Algorithm AS 241 (1988): PPND16 and PPND7.
real drey_inv_Phi(real p) {
  const real q = p - real(0.5);
  const real tail = q < real(0.0) ? p : real(1.0) - p;
  const real square = real(0.180625lf) - q * q;
  const real s = sqrt(-drey_log(tail));
#ifdef DREY_F64
  real r = square;
  const real central = q *
      (((((((2509.0809287301226727lf * r + 33430.575583588128105lf) * r + 67265.770927008700853lf) * r +
           45921.953931549871457lf) * r + 13731.693765509461125lf) * r + 1971.5909503065514427lf) * r +
        133.14166789178437745lf) * r + 3.387132872796366608lf) /
      (((((((5226.495278852854561lf * r + 28729.085735721942674lf) * r + 39307.89580009271061lf) * r +
           21213.794301586595867lf) * r + 5394.1960214247511077lf) * r + 687.1870074920579083lf) * r +
        42.313330701600911252lf) * r + 1.0lf);
  real outer;
  if (s <= 5.0lf) {
    r = s - 1.6lf;
    outer = (((((((7.7454501427834140764e-4lf * r + 0.0227238449892691845833lf) * r + 0.24178072517745061177lf) * r +
                1.27045825245236838258lf) * r + 3.64784832476320460504lf) * r + 5.7694972214606914055lf) * r +
             4.6303378461565452959lf) * r + 1.42343711074968357734lf) /
            (((((((1.05075007164441684324e-9lf * r + 5.475938084995344946e-4lf) * r + 0.0151986665636164571966lf) * r +
                0.14810397642748007459lf) * r + 0.68976733498510000455lf) * r + 1.6763848301838038494lf) * r +
             2.05319162663775882187lf) * r + 1.0lf);
  } else {
    r = s - 5.0lf;
    outer = (((((((2.01033439929228813265e-7lf * r + 2.71155556874348757815e-5lf) * r + 0.0012426609473880784386lf) * r +
                0.026532189526576123093lf) * r + 0.29656057182850489123lf) * r + 1.7848265399172913358lf) * r +
             5.4637849111641143699lf) * r + 6.6579046435011037772lf) /
            (((((((2.04426310338993978564e-15lf * r + 1.4215117583164458887e-7lf) * r + 1.8463183175100546818e-5lf) * r +
                7.868691311456132591e-4lf) * r + 0.0148753612908506148525lf) * r + 0.13692988092273580531lf) * r +
             0.59983220655588793769lf) * r + 1.0lf);
  }
#else
  real r = square;
  const real central = q * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179) /
                       (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0);
  r = s - 1.6;
  const real middle = (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777) /
                      ((0.12021132975 * r + 0.73700164250) * r + 1.0);
  r = s - 5.0;
  const real far = (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150) /
                   ((0.012258202635 * r + 0.24197894225) * r + 1.0);
  const real outer = s <= 5.0 ? middle : far;
#endif
  const real y = abs(q) <= real(0.425lf) ? central : (q < real(0.0) ? -outer : outer);
  return p > real(0.0) && p < real(1.0) ? y
         : p == real(0.0) ? -DREY_INFINITY : p == real(1.0) ? DREY_INFINITY : DREY_NAN;
}
