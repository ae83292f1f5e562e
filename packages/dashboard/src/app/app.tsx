// Puts together what every screen has: theme, query cache, connection, live feed and router.
import { MantineProvider, localStorageColorSchemeManager } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useMemo } from "react";

import { LiveFeed } from "../live/live-feed.ts";
import { callerIdOf } from "../parts/feedback/origin.ts";
import { showToast } from "../parts/feedback/show-toast.ts";
import { BulkChanges } from "../screens/deliveries/bulk/bulk-changes.ts";
import { TabInbox } from "../screens/inbox/tab-inbox.ts";
import { Connection } from "../session/connection.ts";
import { createQueryClient } from "../session/query-client.ts";
import { createAppRouter } from "./router.tsx";
import "./styles.ts";
import { colorVariables, theme } from "./theme.ts";

const schemes = localStorageColorSchemeManager({ key: "fanfare.scheme" });

interface AppProps {
	readonly nonce: string;
	/** The address of `/ui/`. */
	readonly home: URL;
	/** The token of the sign-in link that the page was opened with, if it was. */
	readonly link: string | null;
}

/** The whole page. */
export function App({ nonce, home, link }: AppProps) {
	const { router, queryClient } = useMemo(() => {
		const queryClient = createQueryClient();
		const connection = new Connection(new URL("..", home), queryClient, link);
		const live = new LiveFeed(connection, queryClient);
		const inbox = new TabInbox(connection, queryClient);
		const changes = new BulkChanges(queryClient, (text, projectId) =>
			showToast(queryClient, text, { callerId: callerIdOf(queryClient), projectId }),
		);
		const router = createAppRouter(home.pathname, { connection, queryClient, live, inbox, changes });
		return { router, queryClient };
	}, [home, link]);
	return (
		<MantineProvider
			theme={theme}
			cssVariablesResolver={colorVariables}
			colorSchemeManager={schemes}
			defaultColorScheme="auto"
			getStyleNonce={() => nonce}
		>
			<QueryClientProvider client={queryClient}>
				<RouterProvider router={router} />
			</QueryClientProvider>
		</MantineProvider>
	);
}
