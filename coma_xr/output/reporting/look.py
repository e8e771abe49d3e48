"""The look of a report, light or dark as the reader's system is."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --text: #1c2430; --line: #d5dae1; --tile: #f4f6f8; --link: #0b5cad;
  --done: #4c86c6; --failed: #d64933; --missing: #c9ced6; --excluded: #a78bbd;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181e; --text: #e3e7ec; --line: #363e4a; --tile: #1d232b; --link: #7db6f2;
    --done: #5b93d0; --failed: #f0705c; --missing: #4d5765; --excluded: #9d82b3;
  }
}
body { margin: 0; background: var(--page); color: var(--text); font-family: system-ui, "Segoe UI", sans-serif; }
main.coma-xr {
  --coma-line: var(--line); --coma-soft: var(--tile); --coma-bad: var(--failed);
  max-width: 960px; margin: 0 auto; padding: 28px 20px 60px; font-size: 15px;
}
main h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; overflow-wrap: anywhere; }
main h2 { font-size: 20px; margin: 40px 0 8px; padding-bottom: 4px; border-bottom: 1px solid var(--line); }
main h3 { font-size: 15px; margin: 18px 0 4px; }
main p { margin: 6px 0; overflow-wrap: anywhere; }
main a { color: var(--link); }
main nav { margin: 14px 0 0; display: flex; flex-wrap: wrap; gap: 4px 16px; }
main .coma-description { font-size: 17px; white-space: pre-wrap; }
main .coma-tiles { display: flex; flex-wrap: wrap; gap: 10px; margin: 18px 0; }
main .coma-tile { background: var(--tile); border-radius: 8px; padding: 10px 16px; min-width: 90px; }
main .coma-tile b { display: block; font-size: 24px; font-weight: 600; line-height: 1.25; }
main table { font-size: 14px !important; }
main table th, main table td { padding-top: 4px !important; padding-bottom: 4px !important; }
main .coma-code, main pre { font-size: 13px !important; }
main figure { margin: 16px 0 24px; }
main figcaption { font-size: 13.5px; opacity: 0.85; margin-top: 6px; overflow-wrap: anywhere; }
main figure details { font-size: 13.5px; }
main .coma-card { background: #ffffff; border: 1px solid var(--line); border-radius: 8px; padding: 8px; overflow-x: auto; }
main .coma-card img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
main .coma-card img.coma-broad { min-width: 620px; }
main svg { max-width: 100%; height: auto; display: block; }
main .coma-map { width: auto; }
main .coma-histogram { width: 640px; }
main .coma-bar { display: flex; height: 14px; border-radius: 7px; overflow: hidden; margin: 14px 0 6px; background: var(--tile); }
main .coma-part { min-width: 3px; }
main .coma-legend { font-size: 13.5px; display: flex; flex-wrap: wrap; gap: 2px 16px; margin-top: 4px; }
main .coma-key-square { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 2px; }
main .coma-fill-done { background: var(--done); fill: var(--done); }
main .coma-fill-failed { background: var(--failed); fill: var(--failed); }
main .coma-fill-missing { background: var(--missing); fill: var(--missing); }
main .coma-fill-excluded { background: var(--excluded); fill: var(--excluded); }
main .coma-fill-not_asked { background: var(--tile); fill: var(--tile); }
main .coma-axis { stroke: var(--text); stroke-width: 1; }
main .coma-label { fill: var(--text); font-size: 12px; }
main footer { margin-top: 48px; font-size: 13px; opacity: 0.72; }
@media print { main details > * { display: block; } main .coma-card { border: 0; } }
"""
