// Drey's own elementary and special functions for `real`, the kernel's precision: the text before this one
// defines `real` as float, or as double together with DREY_F64.
//
// GLSL has no exp, log or sin for double, and a driver's float versions may be off by a thousand ulp. Bounds in
// ulp, function by function and as measured: docs/functions.md.
//
// - Outside its domain a function is NaN, NaN in gives NaN, and infinities behave as in C.
// - Subnormal numbers may be flushed to 0, in arguments and results.
// - Where rounding errors are computed on purpose, the variables are `precise`: without it a compiler may
//   simplify (x + c) - c to x. Polynomials are not, so that they may use fused multiply-adds.
// - Nothing here indexes an array. Functions with loops say how many trips these make.
#ifndef DREY_MATH
#define DREY_MATH

#ifdef DREY_F64
#define DREY_INFINITY packDouble2x32(uvec2(0u, 0x7FF00000u))
#define DREY_NAN packDouble2x32(uvec2(0u, 0x7FF80000u))
#define DREY_EPSILON 2.2204460492503131e-16lf
#define DREY_SMALLEST 2.2250738585072014e-308lf  // normal
#else
#define DREY_INFINITY uintBitsToFloat(0x7F800000u)
#define DREY_NAN uintBitsToFloat(0x7FC00000u)
#define DREY_EPSILON 1.1920929e-7
#define DREY_SMALLEST 1.17549435e-38
#endif

#include "math_exp_log.glsl"
#include "math_power.glsl"
#include "math_circular.glsl"
#include "math_gamma.glsl"
#include "math_normal.glsl"
#include "math_bessel.glsl"
#include "math_incomplete.glsl"
#include "math_owens.glsl"

#endif
