// What a page with React has: renders the component with the properties that the test gives.
import { createElement } from "react";
import { createRoot } from "react-dom/client";

import { FanfarePortal, type FanfarePortalProps } from "../src/react.ts";

const root = createRoot(document.body.appendChild(document.createElement("div")));

Object.assign(globalThis, {
	show: (props: FanfarePortalProps | null) => root.render(props && createElement(FanfarePortal, props)),
});
