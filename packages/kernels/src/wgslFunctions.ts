// Functions that WGSL lacks or leaves undefined at the edges.
const functions = {
  // WGSL lets compilers assume that NaN and infinity never occur, so both are found by their bits.
  is_nan: 'fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }',
  is_inf: 'fn is_inf(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u; }',
  max_nan:
    'fn max_nan(a: f32, b: f32) -> f32 { if (is_nan(a)) { return a; } if (is_nan(b)) { return b; } return max(a, b); }',
  min_nan:
    'fn min_nan(a: f32, b: f32) -> f32 { if (is_nan(a)) { return a; } if (is_nan(b)) { return b; } return min(a, b); }',
  // tanh may overflow inside; beyond 10 it is 1 in float32.
  tanh_safe: 'fn tanh_safe(x: f32) -> f32 { return select(tanh(clamp(x, -10.0, 10.0)), x, is_nan(x)); }',
  sigmoid: 'fn sigmoid(x: f32) -> f32 { return select(1.0 / (1.0 + exp(-clamp(x, -87.0, 87.0))), x, is_nan(x)); }',
  softplus: 'fn softplus(x: f32) -> f32 { return max_nan(x, 0.0) + log1p(exp(-abs(x))); }',
  // ln(1 + x) for x >= 0 without losing small x (Kahan's correction).
  log1p: 'fn log1p(x: f32) -> f32 { let u = 1.0 + x; return select(log(u) * (x / (u - 1.0)), x, u == 1.0); }',
  // e^x - 1: the series near 0, where the difference would lose digits.
  expm1: `fn expm1(x: f32) -> f32 {
  if (abs(x) < 0.25) {
    return x * (1.0 + x * (0.5 + x * (0.16666667 + x * (0.041666668 + x * (0.008333334 + x * (0.0013888889 + x * 0.0001984127))))));
  }
  return exp(x) - 1.0;
}`,
  // The Maclaurin series near 0, the continued fraction of erfc beyond.
  erf: `fn erf(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let a = abs(x);
  if (a > 4.0) { return sign(x); }
  if (a < 2.0) {
    var term = a;
    var sum = a;
    for (var n = 1; n < 30; n++) {
      term = -term * a * a / f32(n);
      sum += term / f32(2 * n + 1);
    }
    return sign(x) * 1.1283792 * sum;
  }
  var fraction = a;
  for (var n = 16; n > 0; n--) { fraction = a + 0.5 * f32(n) / fraction; }
  return sign(x) * (1.0 - exp(-a * a) * 0.5641896 / fraction);
}`,
  // WGSL's pow is undefined for negative bases.
  power: `fn power(x: f32, y: f32) -> f32 {
  if (y == 0.0) { return 1.0; }
  if (y == 1.0) { return x; }
  if (y == 2.0) { return x * x; }
  if (x > 0.0) { return pow(x, y); }
  if (x == 0.0) { return select(0.0, 1.0 / x, y < 0.0); }
  if (y != floor(y)) { return (x - x) / (x - x); }
  let size = pow(-x, y);
  return select(size, -size, floor(y * 0.5) * 2.0 != y);
}`,
  power_integer: `fn power_integer(x: i32, y: i32) -> i32 {
  var result = 1;
  for (var n = 0; n < y; n++) { result *= x; }
  return result;
}`,
  // WGSL's sine is only good to 2^-11. This takes quarter turns off in three parts (Cody and Waite) and uses polynomials
  // on [-pi/4, pi/4] (coefficients of the Cephes library); good to 1e-7 for angles below 10^4.
  sine_shifted: `fn sine_shifted(x: f32, quarters: i32) -> f32 {
  let turns = round(x * 0.63661975);
  let r = ((x - turns * 1.5703125) - turns * 0.00048375130) - turns * 7.5497900e-8;
  let q = (i32(turns) + quarters) & 3;
  let s = r * r;
  let sine = r + r * s * (-0.16666655 + s * (0.0083321609 + s * -0.00019515296));
  let cosine = 1.0 - 0.5 * s + s * s * (0.041666646 + s * (-0.0013887316 + s * 0.000024433157));
  let value = select(sine, cosine, (q & 1) == 1);
  return select(value, -value, q >= 2);
}`,
  // WGSL leaves it open what becomes of numbers beyond half precision; they must become infinite for loss scaling to work.
  half_bits: `fn half_bits(x: f32) -> u32 {
  let size = bitcast<u32>(x) & 0x7fffffffu;
  let special = ((bitcast<u32>(x) >> 16u) & 0x8000u) | select(0x7c00u, 0x7e00u, size > 0x7f800000u);
  if (size >= 0x477ff000u) { return special; }
  return pack2x16float(vec2<f32>(x, 0.0)) & 0xffffu;
}`,
  half_of: `fn half_of(x: f32) -> f16 {
  let size = bitcast<u32>(x) & 0x7fffffffu;
  if (size >= 0x477ff000u) { return bitcast<vec2<f16>>(half_bits(x)).x; }
  return f16(x);
}`,
  number_of_half: `fn number_of_half(bits: u32) -> f32 {
  if ((bits & 0x7c00u) == 0x7c00u) { return bitcast<f32>(((bits & 0x8000u) << 16u) | 0x7f800000u | ((bits & 0x3ffu) << 13u)); }
  return unpack2x16float(bits).x;
}`,
  modulo: 'fn modulo(a: i32, b: i32) -> i32 { return ((a % b) + b) % b; }',
  // C's fmod: the dividend's sign.
  fmod: 'fn fmod(a: f32, b: f32) -> f32 { return a - b * trunc(a / b); }',
  // The high 32 bits of a 64-bit product.
  multiply_high: `fn multiply_high(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let cross = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (cross >> 16u);
}`,
} as const satisfies Record<string, string>

/** Definitions of the functions that a kernel's body calls, each once, callees first. */
export function functionsUsedIn(body: string): string {
  const used = new Set<string>()
  const order: string[] = []
  const search = (text: string) => {
    for (const [name, code] of Object.entries(functions)) {
      if (used.has(name) || !new RegExp(`\\b${name}\\(`).test(text)) continue
      used.add(name)
      search(code)
      order.push(code)
    }
  }
  search(body)
  return order.map((code) => `${code}\n`).join('')
}
