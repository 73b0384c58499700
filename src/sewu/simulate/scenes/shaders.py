"""The OpenGL shaders of the renderer: surfaces, shadows, composition and the camera's own faults."""

from __future__ import annotations

_HEAD = "#version 330\n"

NOISE = """
float hash(vec2 p) { vec3 q = fract(vec3(p.xyx) * .1031); q += dot(q, q.yzx + 33.33); return fract((q.x + q.y) * q.z); }
float noise(vec2 p) {
    vec2 i = floor(p), f = fract(p); f = f * f * (3. - 2. * f);
    return mix(mix(hash(i), hash(i + vec2(1, 0)), f.x), mix(hash(i + vec2(0, 1)), hash(i + vec2(1, 1)), f.x), f.y);
}
float rough(vec2 p) { return .5 * noise(p) + .25 * noise(p * 2.3 + 7.) + .15 * noise(p * 5.1 + 3.) + .1 * noise(p * 11.7); }
"""

SURFACE_VERTEX = (
    _HEAD
    + """
uniform mat4 clip;
in vec3 in_at; in vec3 in_normal; in vec3 in_rgb; in float in_material;
out vec3 at; out vec3 normal; out vec3 rgb; flat out int material;
void main() { at = in_at; normal = in_normal; rgb = in_rgb; material = int(in_material + .5); gl_Position = clip * vec4(in_at, 1.); }
"""
)

_SURFACE = (
    NOISE
    + """
uniform vec3 eye; uniform vec3 sun; uniform vec3 sun_rgb; uniform vec3 sky_rgb; uniform vec3 bounce_rgb; uniform vec3 haze_rgb;
uniform float haze_per_m; uniform float wet; uniform float glow; uniform vec4 lamps[8]; uniform vec3 lamp_rgb;
uniform mat4 to_shade; uniform sampler2D shade; uniform int lamp_count;
in vec3 at; in vec3 normal; in vec3 rgb; flat in int material;
out vec4 colour;

float lit(vec3 p, vec3 n) {
    vec3 q = (to_shade * vec4(p + n * .06, 1.)).xyz * .5 + .5;
    if (LEAN) return step(q.z - .0012, texture(shade, q.xy).r);
    float sum = 0.;
    for (int i = -1; i <= 1; i++) for (int j = -1; j <= 1; j++)
        sum += step(q.z - .0012, texture(shade, q.xy + vec2(i, j) / 2048.).r);
    return sum / 9.;
}

vec3 surface(inout vec3 n, inout float shine) {
    vec3 base = rgb; vec2 g = at.xy; vec2 w = vec2(abs(normal.x) > .5 ? at.y : at.x, at.z);
    if (LEAN) { shine = material == 1 ? .55 : material == 2 ? .9 : 0.; return base; }
    if (material == 4) {  // asphalt: grain, patches, oil in the wheel tracks, cracks
        base *= .72 + .34 * rough(g * 9.) + .24 * rough(g * .35);
        base *= .9 + .1 * smoothstep(.1, .5, noise(g * vec2(.8, .05)));
        float crack = abs(noise(g * .9 + noise(g * 3.)) - .5);
        base *= mix(.72, 1., smoothstep(.0, .012, crack));
        base *= mix(.86, 1., step(.24, noise(floor(g * vec2(.31, .17)) + .5)));
        shine = .12 + wet * .5;
    } else if (material == 5) {  // paving slabs
        vec2 t = fract(g / .4); float joint = min(min(t.x, 1. - t.x), min(t.y, 1. - t.y));
        base *= (.8 + .3 * hash(floor(g / .4))) * mix(.7, 1., smoothstep(.0, .05, joint)) * (.75 + .4 * rough(g * 1.7));
        shine = wet * .35;
    } else if (material == 6) {  // plaster: streaks and damp feet
        base *= .8 + .25 * rough(w * 2.) - .12 * smoothstep(.5, .9, noise(vec2(w.x * 3., w.y * .25)));
        base *= mix(.72, 1., smoothstep(.0, .9, at.z + .3 * noise(w)));
    } else if (material == 7) {  // leaves
        base *= .35 + 1.1 * rough(at.xy * 6. + at.z * 7.);
        n = normalize(n + (vec3(noise(at.xy * 9. + at.z), noise(at.yz * 9.), noise(at.zx * 9.)) - .5) * 1.6);
    } else if (material == 8) { base *= .75 + .25 * sin((abs(normal.x) > abs(normal.y) ? at.y : at.x) * 22.) + .2 * rough(g * 2.) - .1;
    } else if (material == 9) { base *= .8 + .2 * sin(at.z * 70.) * (1. - smoothstep(15., 45., distance(eye, at)));
        base *= .85 + .2 * rough(w);
    } else if (material == 10) { base *= .5 + .8 * rough(g * 6.) + .2 * noise(g * .5);
    } else if (material == 11) { base *= mix(.45, 1., smoothstep(.25, .5, rough(g * 5.))); shine = .1 + wet * .4;
    } else if (material == 1) shine = .55; else if (material == 2) shine = .9;
    return base;
}

void main() {
    vec3 n = normalize(normal), look = normalize(eye - at);
    if (dot(n, look) < 0. && material != 7) n = -n;
    float shine = 0.;
    vec3 base = surface(n, shine);
    float open = lit(at, n), day = max(dot(n, sun), 0.) * open;
    float up = n.z * .5 + .5;
    float foot = mix(.62, 1., smoothstep(0., .8, at.z)) ;
    if (n.z > .7) foot = 1.;
    vec3 soft = mix(bounce_rgb, sky_rgb, up) * foot;
    vec3 light = soft + sun_rgb * day;
    for (int i = 0; i < lamp_count; i++) {
        vec3 d = lamps[i].xyz - at; float r2 = dot(d, d) + .5;
        light += lamp_rgb * lamps[i].w * max(dot(n, d * inversesqrt(r2)) * .85 + .15, 0.) / r2;
    }
    vec3 c = base * light;
    float edge = pow(1. - max(dot(n, look), 0.), 4.);
    vec3 mirror = reflect(-look, n);
    if (shine > 0.) {
        c += shine * (.05 + .6 * edge)
            * mix(bounce_rgb, sky_rgb, smoothstep(-.2, .5, mirror.z)) * (LEAN ? .8 : .6 + .4 * noise(at.xy * 3.));
        c += shine * sun_rgb * open * pow(max(dot(mirror, sun), 0.), 60.) * .8;
    }
    if (material == 3) c = rgb * glow;
    float fog = 1. - exp(-distance(eye, at) * haze_per_m);
    float part = dot(sun_rgb * day, vec3(1.)) / max(dot(light, vec3(1.)), 1e-4);
    colour = vec4(mix(c, haze_rgb, fog), material == 3 ? 0. : part);
}
"""
)

STILL_FRAGMENT = _HEAD + "const bool LEAN = false;" + _SURFACE
MOVING_FRAGMENT = _HEAD + "const bool LEAN = true;" + _SURFACE
"""Drawn in every frame, so without textures and with a harder edge of the shade."""

SHADE_VERTEX = _HEAD + "uniform mat4 clip; in vec3 in_at; void main() { gl_Position = clip * vec4(in_at, 1.); }"
SHADE_FRAGMENT = _HEAD + "void main() {}"

FLAT_VERTEX = (
    _HEAD
    + """
uniform mat4 clip; uniform vec3 sun;
in vec3 in_at; in float in_floor;
void main() {
    float above = max(in_at.z - in_floor, 0.);
    vec3 p = vec3(in_at.xy - sun.xy * above / max(sun.z, .2), in_floor + .02);
    gl_Position = clip * vec4(p, 1.); gl_Position.z -= .0008 * gl_Position.w;
}
"""
)
FLAT_FRAGMENT = _HEAD + "uniform vec3 ink; out vec3 colour; void main() { colour = ink; }"

BEAM_VERTEX = (
    _HEAD
    + """
uniform mat4 clip; in vec3 in_at; in float in_power; out float power;
void main() { power = in_power; gl_Position = clip * vec4(in_at, 1.); gl_Position.z -= .0008 * gl_Position.w; }
"""
)
BEAM_FRAGMENT = _HEAD + "in float power; out vec3 colour; void main() { colour = vec3(0., 0., power * power); }"

NAME_VERTEX = (
    _HEAD
    + """
uniform mat4 clip; in vec3 in_at; in float in_name; flat out float name;
void main() { name = in_name; gl_Position = clip * vec4(in_at, 1.); }
"""
)
NAME_FRAGMENT = _HEAD + "flat in float name; out float colour; void main() { colour = name; }"

SCREEN_VERTEX = (
    _HEAD
    + """
out vec2 uv;
void main() { vec2 p = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2); uv = p; gl_Position = vec4(p * 2. - 1., 0., 1.); }
"""
)

TILE_VERTEX = (
    _HEAD
    + """
uniform float upright; in vec2 in_uv; out vec2 uv;
void main() { uv = in_uv; vec2 p = in_uv * 2. - 1.; gl_Position = vec4(p.x, p.y * upright, 0., 1.); }
"""
)
"""Parts of a screen; `upright` is -1 where the picture is turned to begin at its top."""

SKY_FRAGMENT = (
    _HEAD
    + NOISE
    + """
uniform vec3 sky_rgb; uniform vec3 haze_rgb; in vec2 uv; out vec4 colour;
void main() {
    vec3 c = mix(haze_rgb, sky_rgb, smoothstep(.75, 1.25, uv.y) * .8);
    c = mix(c, haze_rgb * 1.1, .5 * smoothstep(.4, .7, rough(vec2(uv.x * 5., uv.y * 16.))));
    colour = vec4(c, 0.);
}
"""
)

SMALLER_FRAGMENT = (
    _HEAD
    + """
uniform sampler2D big; uniform sampler2D depth; in vec2 uv; out vec4 colour;
void main() {
    vec2 o = .5 / vec2(textureSize(big, 0));
    colour = .25 * (min(texture(big, uv + o), 4.) + min(texture(big, uv - o), 4.)
        + min(texture(big, uv + vec2(o.x, -o.y)), 4.) + min(texture(big, uv + vec2(-o.x, o.y)), 4.));
    gl_FragDepth = texture(depth, uv).r;
}
"""
)

BLUR_FRAGMENT = (
    _HEAD
    + """
uniform sampler2D mask; in vec2 uv; out vec3 colour;
void main() {
    vec3 m = vec3(0.); vec2 o = 1.4 / vec2(textureSize(mask, 0));
    for (int i = -1; i <= 1; i++) for (int j = -1; j <= 1; j++) m += texture(mask, uv + vec2(i, j) * o).rgb;
    colour = m / 9.;
}
"""
)

COMPOSE_FRAGMENT = (
    _HEAD
    + """
uniform sampler2D still; uniform sampler2D depth; uniform sampler2D mask; uniform vec3 beam_rgb;
in vec2 uv; out vec4 colour;
void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    vec4 c = texelFetch(still, at, 0); vec3 m = texture(mask, uv).rgb;
    vec3 base = c.rgb * (1. - m.r * c.a) * (1. - .45 * m.g * (1. - .6 * c.a));
    colour = vec4(base + (c.rgb + .02) * m.b * beam_rgb, 1.);
    gl_FragDepth = texelFetch(depth, at, 0).r;
}
"""
)

POST_FRAGMENT = (
    _HEAD
    + """
uniform sampler2D frame; uniform float exposure; uniform float soften;
in vec2 uv; out vec3 colour;
void main() {
    ivec2 size = textureSize(frame, 0), last = size - 1, at = ivec2(uv * vec2(size));
    vec3 c = texelFetch(frame, at, 0).rgb;
    vec3 around = texelFetch(frame, min(at + ivec2(1, 0), last), 0).rgb + texelFetch(frame, max(at - ivec2(1, 0), 0), 0).rgb
        + texelFetch(frame, min(at + ivec2(0, 1), last), 0).rgb + texelFetch(frame, max(at - ivec2(0, 1), 0), 0).rgb;
    c = mix(c, around * .25, soften) * exposure;
    c *= 1. - .28 * dot(uv - .5, uv - .5);
    c = c * (2.51 * c + .03) / (c * (2.43 * c + .59) + .14);
    colour = sqrt(clamp(c, 0., 1.));
}
"""
)
"""Softness of the lens, exposure, darker corners, the tone curve."""
