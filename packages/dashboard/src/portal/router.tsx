// The addresses of the portal.
import { createRootRoute, createRoute, createRouter } from "@tanstack/react-router";

import { textSearch } from "../app/text-search.ts";
import { AddScreen } from "./screens/add/add.tsx";
import { DeliveriesScreen } from "./screens/deliveries/deliveries.tsx";
import { listSearch, shortText } from "./screens/deliveries/search.ts";
import { DeliveryScreen } from "./screens/delivery/delivery.tsx";
import { MissingScreen } from "./screens/ended/ended.tsx";
import { EndpointScreen } from "./screens/endpoint/endpoint.tsx";
import { EndpointsScreen } from "./screens/endpoints/endpoints.tsx";
import { EventTypesScreen } from "./screens/event-types/event-types.tsx";
import { Shell } from "./shell.tsx";

/** What every address keeps: whom the frame speaks with, and the language, so that a reload goes on in the same way. */
const KEPT = ["host", "lang"] as const;

type Search = Readonly<Record<string, string | undefined>>;

const keptSearch = ({ host, lang }: Readonly<Record<string, unknown>>): Search => ({
	host: shortText(host, 300),
	lang: shortText(lang, 50),
});

const rootRoute = createRootRoute({
	component: Shell,
	notFoundComponent: MissingScreen,
	validateSearch: keptSearch,
	search: {
		middlewares: [
			({ search, next }) => {
				const kept = Object.fromEntries(KEPT.map((name) => [name, search[name]]));
				return { ...next(search), ...kept };
			},
		],
	},
});

const route = (path: string, component: () => React.ReactNode) =>
	createRoute({ getParentRoute: () => rootRoute, path, component });

const endpointRoute = createRoute({
	getParentRoute: () => rootRoute,
	path: "/endpoints/$webhookId",
	component: EndpointScreen,
	validateSearch: ({ view, ...filters }: Readonly<Record<string, unknown>>): Search => ({
		...listSearch({ ...filters, endpoint: undefined }),
		view: view === "settings" ? view : undefined,
	}),
});

const deliveriesRoute = createRoute({
	getParentRoute: () => rootRoute,
	path: "/deliveries",
	component: DeliveriesScreen,
	validateSearch: listSearch,
});

const deliveryRoute = createRoute({
	getParentRoute: () => rootRoute,
	path: "/deliveries/$deliveryId",
	component: DeliveryScreen,
	// Where the way back leads to: the list of all as it was, or the endpoint.
	validateSearch: ({ from, ...filters }: Readonly<Record<string, unknown>>): Search =>
		from === "all" ? { ...listSearch(filters), from } : {},
});

const routeTree = rootRoute.addChildren([
	route("/", EndpointsScreen),
	route("/add", AddScreen),
	endpointRoute,
	deliveriesRoute,
	deliveryRoute,
	route("/events", EventTypesScreen),
]);

/** The router of the portal, whose addresses begin with `basepath`, such as `/portal/`. */
export function createPortalRouter(basepath: string) {
	return createRouter({
		routeTree,
		basepath,
		defaultNotFoundComponent: MissingScreen,
		// In a frame, the page around scrolls.
		scrollRestoration: false,
		...textSearch,
	});
}
