// Who is signed in, and signing out.
import { ActionIcon, Menu } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter } from "@tanstack/react-router";

import { Confirm } from "../parts/feedback/confirm.tsx";
import { sentenceOf } from "../parts/feedback/problem.tsx";
import { useToast } from "../parts/feedback/toasts.tsx";
import { Icon } from "../parts/layout/icon.tsx";
import { useZone, zoneName } from "../parts/text/zone.ts";
import { useAnyUnderWay } from "../screens/deliveries/bulk/bulk-changes.ts";
import { callerQuery, useConnection } from "../session/caller.ts";
import { forgetAll } from "../session/session-state.ts";

const SCOPES = { admin: "may do everything", write: "may change webhooks and send", read: "may only read" } as const;

/** Nobody else makes the calls that are left. */
const ENDS_CHANGE =
	"A change of deliveries is still under way in this tab. It ends with the session, and what is left stays as it is.";

export function AccountMenu({ onHelp }: { readonly onHelp: () => void }) {
	const connection = useConnection();
	const queryClient = useQueryClient();
	const navigate = useNavigate();
	const { inbox } = useRouter().options.context;
	const toast = useToast();
	const { data: caller } = useQuery(callerQuery(connection));
	const [isAsking, asking] = useDisclosure(false);
	const isUnderWay = useAnyUnderWay();
	const [isAskingFirst, askingFirst] = useDisclosure(false);
	const [zone, setZone] = useZone();
	const signOut = useMutation({
		mutationFn: (everywhere: boolean) => connection.signOut(everywhere),
		onSuccess: async () => {
			await navigate({ to: "/sign-in" });
			// They would wait on for a place, and know nothing of what was forgotten.
			inbox.endAll();
			forgetAll(queryClient);
		},
		onError: (error, everywhere) => {
			if (!everywhere) toast(`You are still signed in. ${sentenceOf(error)}`);
		},
	});
	return (
		<>
			<Menu position="bottom-end" width="15rem">
				<Menu.Target>
					<ActionIcon variant="subtle" color="gray" aria-label="Account">
						<Icon name="user" />
					</ActionIcon>
				</Menu.Target>
				<Menu.Dropdown>
					{caller?.scope !== null && caller !== undefined && (
						<Menu.Label>
							Key “{caller.name}” {SCOPES[caller.scope]}
							{caller.projectId === null ? "" : " in this project"}
						</Menu.Label>
					)}
					<Menu.Item leftSection={<Icon name="help" size={16} />} onClick={onHelp}>
						Keyboard shortcuts
					</Menu.Item>
					<Menu.Item
						component="a"
						href={new URL("docs", connection.endpoint).href}
						leftSection={<Icon name="events" size={16} />}
					>
						API documentation
					</Menu.Item>
					<Menu.Item
						leftSection={<Icon name="clock" size={16} />}
						onClick={() => setZone(zone === "utc" ? "local" : "utc")}
					>
						{zone === "utc" ? `Times in ${zoneName("local")}` : "Times in UTC"}
					</Menu.Item>
					<Menu.Divider />
					<Menu.Item
						leftSection={<Icon name="back" size={16} />}
						onClick={isUnderWay ? askingFirst.open : () => signOut.mutate(false)}
					>
						{isUnderWay ? "Sign out…" : "Sign out"}
					</Menu.Item>
					<Menu.Item leftSection={<Icon name="stop" size={16} />} onClick={asking.open}>
						Sign out everywhere…
					</Menu.Item>
				</Menu.Dropdown>
			</Menu>
			<Confirm
				isOpen={isAskingFirst}
				title="Sign out?"
				verb="Sign out"
				isDangerous={isUnderWay}
				isBusy={signOut.isPending}
				onConfirm={() => signOut.mutate(false)}
				onClose={askingFirst.close}
			>
				{isUnderWay ? ENDS_CHANGE : "No change of deliveries is under way any more."}
			</Confirm>
			<Confirm
				isOpen={isAsking}
				title="Sign out everywhere?"
				verb="End all sessions of this key"
				isDangerous
				isBusy={signOut.isPending}
				error={signOut.error}
				failed="The sessions were not ended, and you are still signed in"
				onConfirm={() => signOut.mutateAsync(true)}
				onClose={() => {
					if (!signOut.isPending) signOut.reset();
					asking.close();
				}}
			>
				This ends all sessions that were begun with the key “{caller?.name}”, on all devices and of all people who use
				it, and the sign-in links that were not used yet. The key itself goes on working.
				{isUnderWay && ` ${ENDS_CHANGE}`}
			</Confirm>
		</>
	);
}
