// The style of the documents: light or dark by the reader's setting, and without anything loaded from elsewhere.

/** Colours, text, code and tables: shared by the page of the API and the site of the documents (packages/docs). */
export const BASE_STYLE = `
:root { color-scheme: light dark; --top: 0px; --ink: light-dark(#191c22, #e4e7ec); --soft: light-dark(#5a6170, #a3abb9);
	--paper: light-dark(#fff, #16181e); --panel: light-dark(#f4f5f8, #1f222a); --selected: light-dark(#eceeff, #232747);
	--line: light-dark(#e3e6eb, #2f343e); --line-strong: light-dark(#8a92a1, #6b7382); --accent: light-dark(#363db3, #aab1f8); }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.6 system-ui, sans-serif; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: 1rem; z-index: 20; background: var(--paper); padding: .5rem; }
h1 { line-height: 1.2; margin: 0 0 .5rem; }
h4 { margin: 1.2rem 0 .4rem; font-size: .95rem; }
code, pre { font: .87em/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code { background: var(--panel); padding: .1em .3em; border-radius: 4px; overflow-wrap: normal; word-break: keep-all; }
p code, li code, td:nth-child(n+2) code { overflow-wrap: break-word; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; overflow-x: auto; } pre code { padding: 0; background: none; overflow-wrap: normal; font-size: inherit; }
[hidden] { display: none !important; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line); } th { color: var(--soft); font-weight: 600; font-size: .85rem; }
.soft { color: var(--soft); }
`;

/** What only the page of the API has. */
export const API_STYLE = `
:root { --get: light-dark(#1a6b45, #62d69b); --post: light-dark(#3b49b8, #9fa8ff);
	--put: light-dark(#8a5200, #f0b35a); --patch: light-dark(#8a5200, #f0b35a); --delete: light-dark(#a8232f, #ff8a92); }
.page { display: grid; grid-template-columns: 17rem minmax(0, 1fr); max-width: 78rem; margin: 0 auto; }
.calls { position: sticky; top: var(--top); align-self: start; max-height: calc(100vh - var(--top)); overflow: auto; padding: 1.5rem 1rem; font-size: .9rem; }
.calls h2 { font-size: .8rem; margin: 1.2rem 0 .3rem; color: var(--soft); font-weight: 600; }
.calls ul { list-style: none; margin: 0; padding: 0; } .calls li { margin: 0; } .calls a { display: block; padding: .15rem .5rem; text-decoration: none; color: inherit; border-radius: 4px; }
.calls a:hover { background: var(--panel); }
.page > main { padding: 1.5rem 2rem 6rem; min-width: 0; }
h1 small { font-size: 1rem; font-weight: 400; color: var(--soft); }
section > h2 { margin: 3rem 0 .2rem; padding-top: 1rem; border-top: 1px solid var(--line); }
article { margin: 2.2rem 0; } article > h3 { margin: 0 0 .3rem; } h3 a, h2 a { color: inherit; text-decoration: none; } h3 a:hover, h2 a:hover { text-decoration: underline; }
.title { border-bottom: 1px solid var(--line); margin-bottom: 1.5rem; padding-bottom: 1rem; } .title p { margin: .3rem 0; }
.back { display: inline-block; margin-bottom: .8rem; font-size: .9rem; }
#search { width: 100%; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--soft); border-radius: 6px; padding: .4rem .6rem; }
.examples { position: relative; } .examples > input { position: absolute; opacity: 0; }
.examples > label { display: inline-block; padding: .25rem .7rem; margin-right: .2rem; border-radius: 6px 6px 0 0; cursor: pointer; font-size: .9rem; color: var(--soft); }
.examples > input:checked + label { background: var(--panel); color: var(--ink); font-weight: 600; }
.examples > input:focus-visible + label { outline: 3px solid var(--accent); }
.examples > button { float: right; font: inherit; font-size: .85rem; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: .2rem .7rem; cursor: pointer; }
.examples pre { margin-top: 0; clear: both; } .examples > div { display: none; }
.examples > input[data-language=curl]:checked ~ .curl, .examples > input[data-language=typescript]:checked ~ .typescript { display: block; }
.call { display: flex; gap: .6rem; align-items: baseline; margin: .2rem 0 .6rem; }
.method { font-weight: 700; text-transform: uppercase; font-size: .8rem; min-width: 3.6rem; }
.get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); } .patch { color: var(--patch); } .delete { color: var(--delete); }
td:first-child { min-width: 8rem; }
summary { cursor: pointer; padding: .3rem 0; font-weight: 600; font-size: .95rem; }
@media (max-width: 56rem) { .page { display: block; } .calls { position: static; max-height: 45vh; border-bottom: 1px solid var(--line); padding: 1rem; } .page > main { padding: 1rem; }
	table, tbody, tr, td { display: block; } thead { display: none; } tr { padding: .5rem 0; border-bottom: 1px solid var(--line); } td { border: 0; padding: .1rem 0; min-width: 0; }
	.call { flex-wrap: wrap; gap: .2rem .6rem; } }
@media print { .calls { display: none; } .page { display: block; } }
`;
