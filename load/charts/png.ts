// SVG to PNG, without a program to install: resvg as WebAssembly, with the Inter typeface from npm, so that the
// picture looks the same on every machine. Costs about 0.5 s at the first picture and 60 MB while it works.

import { readFileSync } from "node:fs";

/** Pixels for one unit of the SVG: sharp on dense screens. */
const ZOOM = 2;

let ready: Promise<typeof import("@resvg/resvg-wasm")> | undefined;

/** A PNG file's bytes, twice the SVG's own size. @throws resvg's error where the text is no SVG */
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
