// The entry of the page: reads where it is and its nonce, and renders.
import { createRoot } from "react-dom/client";

import { App } from "./app/app.tsx";
import { loadScreens } from "./app/router.tsx";
import { reloadForLinks, takeLink } from "./session/sign-in-link.ts";

const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";

/** This file is in `assets/`, whatever the depth of the address, and whatever path prefix a proxy adds. */
const home = new URL(/* @vite-ignore */ "..", import.meta.url);
// The address changes without a new document, and the browser would look for the icon relative to the new one.
const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
if (icon !== null) icon.setAttribute("href", icon.href);
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element #root");
createRoot(root).render(<App nonce={nonce} home={home} link={takeLink()} />);
reloadForLinks();
// When the first screen is there.
addEventListener("load", () => setTimeout(() => void loadScreens(), 1_000), { once: true });
