// S4: one webhook. Its head says how it is and offers the cure.
import type { Webhook } from "@fanfare/sdk";
import { ActionIcon, Button, Menu, Tabs } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useEffectEvent } from "react";

import type { WebhookTab } from "../../app/search.ts";
import { Problem } from "../../parts/feedback/problem.tsx";
import { Bone, FactsShape, FieldsShape, Loading, NumbersShape } from "../../parts/feedback/skeletons.tsx";
import { useUnsaved } from "../../parts/form/edit/unsaved.ts";
import { Icon } from "../../parts/layout/icon.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { lazyPart, Part } from "../../parts/layout/part.tsx";
import { CopyButton } from "../../parts/text/copy.tsx";
import { WebhookStateBadge } from "../../parts/text/state.tsx";
import { useMay, useProject } from "../../session/caller.ts";
import { editOfWebhook } from "../webhooks/form/draft.ts";
import { WebhookDrawer } from "../webhooks/form/webhook-drawer.tsx";
import { usePauseOrResume } from "../webhooks/queries.ts";
import { ActivityTab } from "./activity-tab.tsx";
import { Condition } from "./condition.tsx";
import { DeleteWebhook } from "./delete-webhook.tsx";
import { webhookQuery } from "./queries.ts";
import { SettingsTab } from "./settings-tab.tsx";

const route = getRouteApi("/$projectId/webhooks/$webhookId");
const secretTab = lazyPart("secret-tab", async () => (await import("./secret-tab.tsx")).SecretTab);
const historyTab = lazyPart("history-tab", async () => (await import("./history-tab.tsx")).HistoryTab);

export function WebhookScreen() {
	const { webhookId } = route.useParams();
	const { data: webhook, error, refetch } = useQuery(webhookQuery(useProject(), webhookId));
	if (webhook === undefined) {
		return (
			<>
				<PageHead title="Webhook" back={<BackLink />} />
				{error === null ? (
					<Loading label="the webhook">
						<Bone width="18rem" />
						<FactsShape facts={2} />
						<Bone width="22rem" height="2.25rem" />
						<NumbersShape count={5} chartPx={118} />
					</Loading>
				) : (
					<Problem error={error} what="The webhook could not be loaded" onRetry={refetch} />
				)}
			</>
		);
	}
	return <Loaded key={webhook.id} webhook={webhook} error={error} onRetry={refetch} />;
}

function BackLink() {
	return (
		<Link className="link" from="/$projectId/webhooks/$webhookId" to="/$projectId/webhooks">
			‹ Webhooks
		</Link>
	);
}

interface LoadedProps {
	readonly webhook: Webhook;
	readonly error: unknown;
	readonly onRetry: () => Promise<unknown>;
}

function Loaded({ webhook, error, onRetry }: LoadedProps) {
	const { tab = "activity", form } = route.useSearch();
	const navigate = route.useNavigate();
	const mayWrite = useMay("write");
	// Before somebody opens their tabs.
	useQuery(secretTab);
	useQuery(historyTab);
	// Back closes it, and does not open it again.
	const setForm = (form: "edit" | undefined) => {
		const search = <Search,>(former: Search) => ({ ...former, form });
		void navigate({ search, resetScroll: false, ignoreBlocker: true, replace: form === undefined });
	};
	// The form takes back what could not be saved.
	const unsaved = useUnsaved(editOfWebhook(webhook.id));
	const edit = useEffectEvent(() => {
		if (form === undefined) setForm("edit");
	});
	useEffect(() => {
		if (unsaved !== null && mayWrite) edit();
	}, [unsaved, mayWrite]);
	const mayReadAudit = useMay("admin");
	const change = usePauseOrResume(({ status }, _, tell) =>
		tell(status === "Paused" ? "Paused: deliveries are held" : "Resumed: held deliveries go out"),
	);
	return (
		<>
			<PageHead
				title={webhook.name}
				back={<BackLink />}
				actions={mayWrite && <Actions webhook={webhook} change={change} onEdit={() => setForm("edit")} />}
			>
				<WebhookStateBadge webhook={webhook} />
			</PageHead>
			<p className="flat address">
				<span className="mono clamped">{webhook.endpoint}</span>
				<CopyButton text={webhook.endpoint} label="Copy the address" />
			</p>
			{change.isError && (
				<Problem error={change.error} what={webhook.status === "Enabled" ? "Not paused" : "Not resumed"} />
			)}
			{error !== null && <Problem error={error} what="What is shown may be out of date" onRetry={onRetry} />}
			<Condition webhook={webhook} />
			<Tabs
				value={tab === "history" && !mayReadAudit ? "activity" : tab}
				keepMounted={false}
				onChange={(value) => {
					const tab = (value ?? undefined) as WebhookTab | undefined;
					void navigate({ search: tab === "activity" ? {} : { tab }, replace: true });
				}}
			>
				<Tabs.List>
					<Tabs.Tab value="activity">Activity</Tabs.Tab>
					<Tabs.Tab value="settings">Settings</Tabs.Tab>
					<Tabs.Tab value="secret">Secret</Tabs.Tab>
					{mayReadAudit && <Tabs.Tab value="history">History</Tabs.Tab>}
				</Tabs.List>
				<Tabs.Panel value="activity" pt="md">
					<ActivityTab webhook={webhook} />
				</Tabs.Panel>
				<Tabs.Panel value="settings" pt="md">
					<SettingsTab webhook={webhook} />
				</Tabs.Panel>
				<Tabs.Panel value="secret" pt="md">
					<Part of={secretTab} props={{ webhook }} label="the secret">
						<FieldsShape fields={3} />
					</Part>
				</Tabs.Panel>
				<Tabs.Panel value="history" pt="md">
					<Part of={historyTab} props={{ webhookId: webhook.id }} label="the history">
						<FactsShape facts={4} />
					</Part>
				</Tabs.Panel>
			</Tabs>
			<WebhookDrawer subject={mayWrite && form === "edit" ? webhook : null} onClose={() => setForm(undefined)} />
		</>
	);
}

interface ActionsProps {
	readonly webhook: Webhook;
	readonly change: ReturnType<typeof usePauseOrResume>;
	readonly onEdit: () => void;
}

function Actions({ webhook, change, onEdit }: ActionsProps) {
	const [isDeleting, deleting] = useDisclosure(false);
	const isOn = webhook.status === "Enabled";
	return (
		<>
			<Button
				variant="default"
				loading={change.isPending}
				leftSection={<Icon name={isOn ? "pause" : "play"} size={16} />}
				onClick={() => change.mutate(webhook)}
			>
				{isOn ? "Pause" : "Resume"}
			</Button>
			<Button variant="default" onClick={onEdit}>
				Edit
			</Button>
			<Menu position="bottom-end">
				<Menu.Target>
					<ActionIcon size="lg" variant="default" aria-label="More actions">
						<Icon name="more" />
					</ActionIcon>
				</Menu.Target>
				<Menu.Dropdown>
					<Menu.Item color="red" leftSection={<Icon name="cross" size={16} />} onClick={deleting.open}>
						Delete…
					</Menu.Item>
				</Menu.Dropdown>
			</Menu>
			<DeleteWebhook webhook={webhook} isOpen={isDeleting} onClose={deleting.close} />
		</>
	);
}
