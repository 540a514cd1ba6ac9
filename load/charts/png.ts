// Converts SVG to PNG without an installed program: with resvg as WebAssembly, and the Inter typeface from
// npm, so that a chart looks the same on every machine. The first conversion takes about 0.5 s; each uses 60
// MB while it runs.

import { readFileSync } from "node:fs";

/** Pixels per unit of the SVG, for dense screens. */
const ZOOM = 2;

let ready: Promise<typeof import("@resvg/resvg-wasm")> | undefined;

/** Returns a PNG of twice the SVG's size. @throws resvg's error if the text is not SVG */
export async function renderPng(svg: string): Promise<Uint8Array> {
  ready ??= load();
  const { Resvg } = await ready;
  const fontBuffers = [
    import.meta.resolve("@expo-google-fonts/inter/400Regular/Inter_400Regular.ttf"),
    import.meta.resolve("@expo-google-fonts/inter/600SemiBold/Inter_600SemiBold.ttf"),
  ].map((url) => readFileSync(new URL(url)));
  const font = { fontBuffers, defaultFontFamily: "Inter" };
  const picture = new Resvg(svg, { fitTo: { mode: "zoom", value: ZOOM }, font });
  try {
    return picture.render().asPng();
  } finally {
    picture.free();
  }
}

async function load(): Promise<typeof import("@resvg/resvg-wasm")> {
  const resvg = await import("@resvg/resvg-wasm");
  await resvg.initWasm(readFileSync(new URL(import.meta.resolve("@resvg/resvg-wasm/index_bg.wasm"))));
  return resvg;
}
