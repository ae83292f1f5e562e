// S4: one webhook. Its head says how it is and offers the cure.
import type { Webhook } from "@fanfare/sdk";
import { ActionIcon, Button, Menu, Tabs } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";

import type { WebhookTab } from "../../app/search.ts";
import { Problem } from "../../parts/feedback/problem.tsx";
import { useToast } from "../../parts/feedback/toasts.tsx";
import { Icon } from "../../parts/layout/icon.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { TableSkeleton } from "../../parts/layout/table.tsx";
import { CopyButton } from "../../parts/text/copy.tsx";
import { WebhookStateBadge } from "../../parts/text/state.tsx";
import { useMay, useProject } from "../../session/caller.ts";
import { usePauseOrResume } from "../webhooks/queries.ts";
import { WebhookDrawer } from "../webhooks/webhook-drawer.tsx";
import { ActivityTab } from "./activity-tab.tsx";
import { Condition } from "./condition.tsx";
import { DeleteWebhook } from "./delete-webhook.tsx";
import { webhookQuery } from "./queries.ts";
import { SecretTab } from "./secret-tab.tsx";
import { SettingsTab } from "./settings-tab.tsx";

const route = getRouteApi("/$projectId/webhooks/$webhookId");

export function WebhookScreen() {
	const { webhookId } = route.useParams();
	const { data: webhook, error, refetch } = useQuery(webhookQuery(useProject(), webhookId));
	if (webhook === undefined) {
		return (
			<>
				<PageHead title="Webhook" back={<BackLink />} />
				{error === null ? (
					<TableSkeleton label="the webhook" rows={4} />
				) : (
					<Problem error={error} what="The webhook could not be loaded" onRetry={() => void refetch()} />
				)}
			</>
		);
	}
	return <Loaded webhook={webhook} error={error} />;
}

function BackLink() {
	return (
		<Link className="link" from="/$projectId/webhooks/$webhookId" to="/$projectId/webhooks">
			‹ Webhooks
		</Link>
	);
}

function Loaded({ webhook, error }: { readonly webhook: Webhook; readonly error: unknown }) {
	const { tab = "activity" } = route.useSearch();
	const navigate = route.useNavigate();
	const mayWrite = useMay("write");
	const [isEditing, editing] = useDisclosure(false);
	return (
		<>
			<PageHead
				title={webhook.name}
				back={<BackLink />}
				actions={mayWrite && <Actions webhook={webhook} onEdit={editing.open} />}
			>
				<WebhookStateBadge webhook={webhook} />
			</PageHead>
			<p className="flat address">
				<span className="mono">{webhook.endpoint}</span> <CopyButton text={webhook.endpoint} label="Copy the address" />
			</p>
			{error !== null && <Problem error={error} what="What is shown may be out of date" />}
			<Condition webhook={webhook} />
			<Tabs
				value={tab}
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
				</Tabs.List>
				<Tabs.Panel value="activity" pt="md">
					<ActivityTab webhook={webhook} />
				</Tabs.Panel>
				<Tabs.Panel value="settings" pt="md">
					<SettingsTab webhook={webhook} />
				</Tabs.Panel>
				<Tabs.Panel value="secret" pt="md">
					<SecretTab webhook={webhook} />
				</Tabs.Panel>
			</Tabs>
			<WebhookDrawer subject={isEditing ? webhook : null} onClose={editing.close} />
		</>
	);
}

function Actions({ webhook, onEdit }: { readonly webhook: Webhook; readonly onEdit: () => void }) {
	const toast = useToast();
	const [isDeleting, deleting] = useDisclosure(false);
	const change = usePauseOrResume(({ status }) =>
		toast(status === "Paused" ? "Paused: deliveries are held" : "Resumed: held deliveries go out"),
	);
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
