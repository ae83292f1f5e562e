// The addresses of the page. Everything that a screen shows is in its address: a link to it shows the same.
import type { QueryClient } from "@tanstack/react-query";
import {
	createRootRouteWithContext,
	createRoute,
	createRouter,
	lazyRouteComponent,
	Outlet,
	redirect,
} from "@tanstack/react-router";

import type { LiveFeed } from "../live/live-feed.ts";
import { loadParts } from "../parts/layout/part.tsx";
import { auditSearch } from "../screens/audit/search.ts";
import { customersSearch } from "../screens/customers/search.ts";
import type { BulkChanges } from "../screens/deliveries/bulk/bulk-changes.ts";
import { eventTypesSearch } from "../screens/event-types/search.ts";
import { eventsSearch, sendSearch } from "../screens/events/search.ts";
import { FailureScreen, NoSuchScreen, NotFoundScreen, WholeFailureScreen } from "../screens/failures/failures.tsx";
import type { TabInbox } from "../screens/inbox/tab-inbox.ts";
import { keysSearch } from "../screens/keys/search.ts";
import { replaysSearch } from "../screens/replays/search.ts";
import { StartScreen } from "../screens/start/start.tsx";
import type { Connection } from "../session/connection.ts";
import { SignInAgain } from "../session/sign-in-again.tsx";
import { Corner } from "../shell/corner.tsx";
import { ProjectShell } from "../shell/project-shell.tsx";
import {
	deliveriesSearch,
	deliverySearch,
	signInSearch,
	statsSearch,
	webhookSearch,
	webhooksSearch,
} from "./search.ts";
import { textSearch } from "./text-search.ts";

/** The screens, each a file of its own. */
const screens = {
	signIn: () => import("../screens/sign-in/sign-in.tsx"),
	overview: () => import("../screens/overview/overview.tsx"),
	webhooks: () => import("../screens/webhooks/webhooks.tsx"),
	webhook: () => import("../screens/webhook/webhook.tsx"),
	deliveries: () => import("../screens/deliveries/deliveries.tsx"),
	delivery: () => import("../screens/delivery/delivery.tsx"),
	events: () => import("../screens/events/events.tsx"),
	event: () => import("../screens/event/event.tsx"),
	send: () => import("../screens/send/send.tsx"),
	keys: () => import("../screens/keys/keys.tsx"),
	audit: () => import("../screens/audit/audit.tsx"),
	settings: () => import("../screens/settings/settings.tsx"),
	system: () => import("../screens/system/system.tsx"),
	customers: () => import("../screens/customers/customers.tsx"),
	customer: () => import("../screens/customer/customer.tsx"),
	eventTypes: () => import("../screens/event-types/event-types.tsx"),
	eventType: () => import("../screens/event-type/event-type.tsx"),
	inbox: () => import("../screens/inbox/inbox-screen.tsx"),
	replays: () => import("../screens/replays/replays.tsx"),
	newReplay: () => import("../screens/replays/new-replay.tsx"),
	replay: () => import("../screens/replay/replay.tsx"),
} as const;

/** Loads all screens and their parts, so that going from one to another needs no server. A failure shows when the screen is wanted. */
export async function loadScreens(): Promise<void> {
	await Promise.allSettled(Object.values(screens).map((load) => load()));
	loadParts();
}

/** What every route gets. */
interface RouterContext {
	readonly connection: Connection;
	readonly queryClient: QueryClient;
	readonly live: LiveFeed;
	readonly inbox: TabInbox;
	readonly changes: BulkChanges;
}

const rootRoute = createRootRouteWithContext<RouterContext>()({
	component: () => (
		<>
			<Outlet />
			<SignInAgain />
			<Corner />
		</>
	),
	notFoundComponent: NotFoundScreen,
});

const signInRoute = createRoute({
	getParentRoute: () => rootRoute,
	path: "/sign-in",
	validateSearch: signInSearch,
	component: lazyRouteComponent(screens.signIn, "SignInScreen"),
	errorComponent: WholeFailureScreen,
});

/** Leads to the sign-in and from there back. */
async function requireSession({ context, location }: { context: RouterContext; location: { href: string } }) {
	if (await context.connection.enter()) return;
	throw redirect({ to: "/sign-in", search: { from: location.href } });
}

const startRoute = createRoute({
	getParentRoute: () => rootRoute,
	path: "/",
	beforeLoad: requireSession,
	component: StartScreen,
	errorComponent: WholeFailureScreen,
});

const projectRoute = createRoute({
	getParentRoute: () => rootRoute,
	path: "$projectId",
	beforeLoad: requireSession,
	// Before any screen asks for something.
	loader: ({ context, params }) => context.live.prepare(params.projectId),
	component: ProjectShell,
	errorComponent: WholeFailureScreen,
	notFoundComponent: NoSuchScreen,
});

const overviewRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "/",
	validateSearch: statsSearch,
	component: lazyRouteComponent(screens.overview, "OverviewScreen"),
});

const webhooksRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "webhooks",
	validateSearch: webhooksSearch,
	component: lazyRouteComponent(screens.webhooks, "WebhooksScreen"),
});

const webhookRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "webhooks/$webhookId",
	validateSearch: webhookSearch,
	component: lazyRouteComponent(screens.webhook, "WebhookScreen"),
});

const deliveriesRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "deliveries",
	validateSearch: deliveriesSearch,
	component: lazyRouteComponent(screens.deliveries, "DeliveriesScreen"),
});

const deliveryRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "deliveries/$deliveryId",
	validateSearch: deliverySearch,
	component: lazyRouteComponent(screens.delivery, "DeliveryScreen"),
});

const eventsRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "events",
	validateSearch: eventsSearch,
	component: lazyRouteComponent(screens.events, "EventsScreen"),
});

const sendRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "events/send",
	validateSearch: sendSearch,
	component: lazyRouteComponent(screens.send, "SendScreen"),
});

const eventRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "events/$eventId",
	component: lazyRouteComponent(screens.event, "EventScreen"),
});

const keysRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "keys",
	validateSearch: keysSearch,
	component: lazyRouteComponent(screens.keys, "KeysScreen"),
});

const auditRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "audit",
	validateSearch: auditSearch,
	component: lazyRouteComponent(screens.audit, "AuditScreen"),
});

const customersRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "customers",
	validateSearch: customersSearch,
	component: lazyRouteComponent(screens.customers, "CustomersScreen"),
});

const customerRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "customers/$customerId",
	component: lazyRouteComponent(screens.customer, "CustomerScreen"),
});

const settingsRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "settings",
	component: lazyRouteComponent(screens.settings, "SettingsScreen"),
});

const systemRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "system",
	component: lazyRouteComponent(screens.system, "SystemScreen"),
});

const eventTypesRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "event-types",
	validateSearch: eventTypesSearch,
	component: lazyRouteComponent(screens.eventTypes, "EventTypesScreen"),
});

const eventTypeRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "event-types/$name",
	component: lazyRouteComponent(screens.eventType, "EventTypeScreen"),
});

const replaysRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "replays",
	validateSearch: replaysSearch,
	component: lazyRouteComponent(screens.replays, "ReplaysScreen"),
});

const newReplayRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "replays/new",
	validateSearch: replaysSearch,
	component: lazyRouteComponent(screens.newReplay, "NewReplayScreen"),
});

const replayRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "replays/$replayId",
	component: lazyRouteComponent(screens.replay, "ReplayScreen"),
});

const inboxRoute = createRoute({
	getParentRoute: () => projectRoute,
	path: "inbox",
	component: lazyRouteComponent(screens.inbox, "InboxScreen"),
});

const routeTree = rootRoute.addChildren([
	startRoute,
	signInRoute,
	projectRoute.addChildren([
		overviewRoute,
		webhooksRoute,
		webhookRoute,
		deliveriesRoute,
		deliveryRoute,
		eventsRoute,
		sendRoute,
		eventRoute,
		keysRoute,
		auditRoute,
		settingsRoute,
		systemRoute,
		customersRoute,
		customerRoute,
		eventTypesRoute,
		eventTypeRoute,
		replaysRoute,
		newReplayRoute,
		replayRoute,
		inboxRoute,
	]),
]);

/** The router of the page, whose addresses begin with `basepath`, such as `/ui/`. */
export function createAppRouter(basepath: string, context: RouterContext) {
	return createRouter({
		routeTree,
		basepath,
		context,
		defaultPreload: "intent",
		defaultErrorComponent: FailureScreen,
		defaultNotFoundComponent: NotFoundScreen,
		scrollRestoration: true,
		...textSearch,
	});
}

declare module "@tanstack/react-router" {
	interface Register {
		router: ReturnType<typeof createAppRouter>;
	}
}
