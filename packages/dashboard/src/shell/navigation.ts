// The screens of a project in the order of the navigation, and the keys that lead to them.
import type { IconName } from "../parts/layout/icon.tsx";
import { useMay } from "../session/caller.ts";
import { useIsWorkspaceAdmin } from "../session/workspace.ts";

interface Screen {
	readonly to:
		| "/$projectId"
		| "/$projectId/webhooks"
		| "/$projectId/deliveries"
		| "/$projectId/events"
		| "/$projectId/replays"
		| "/$projectId/event-types"
		| "/$projectId/customers"
		| "/$projectId/inbox"
		| "/$projectId/keys"
		| "/$projectId/audit"
		| "/$projectId/settings"
		| "/$projectId/system";
	readonly title: string;
	readonly icon: IconName;
	/** After `g`. */
	readonly key: string;
	/** Only for admin keys: of the whole workspace, or also of the project. */
	readonly admins?: "workspace" | "project";
}

const SCREENS: readonly Screen[] = [
	{ to: "/$projectId", title: "Overview", icon: "overview", key: "o" },
	{ to: "/$projectId/webhooks", title: "Webhooks", icon: "webhooks", key: "w" },
	{ to: "/$projectId/deliveries", title: "Deliveries", icon: "deliveries", key: "d" },
	{ to: "/$projectId/events", title: "Events", icon: "events", key: "e" },
	{ to: "/$projectId/replays", title: "Replays", icon: "retry", key: "r" },
	{ to: "/$projectId/event-types", title: "Event types", icon: "types", key: "t" },
	{ to: "/$projectId/customers", title: "Customers", icon: "user", key: "c" },
	{ to: "/$projectId/inbox", title: "Inbox", icon: "inbox", key: "i" },
	{ to: "/$projectId/keys", title: "Keys", icon: "key", key: "k", admins: "workspace" },
	{ to: "/$projectId/audit", title: "Audit log", icon: "clock", key: "a", admins: "project" },
	{ to: "/$projectId/settings", title: "Settings", icon: "settings", key: "s" },
	{ to: "/$projectId/system", title: "System", icon: "system", key: "y" },
];

/** The screens that the key may use. */
export function useScreens(): readonly Screen[] {
	const may = { workspace: useIsWorkspaceAdmin(), project: useMay("admin") };
	return SCREENS.filter(({ admins }) => admins === undefined || may[admins]);
}
