// Receives webhooks with Javalin, and verifies them with the library of Standard Webhooks.
import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import io.javalin.Javalin;
import java.net.http.HttpHeaders;
import java.util.List;
import java.util.stream.Collectors;

public class Receiver {
    public static void main(String[] args) {
        Webhook webhook = new Webhook(System.getenv("WEBHOOK_SECRET"));
        Javalin.create().post("/hooks", context -> {
            HttpHeaders headers = HttpHeaders.of(context.headerMap().entrySet().stream()
                .collect(Collectors.toMap(header -> header.getKey(), header -> List.of(header.getValue()))), (name, value) -> true);
            try {
                // The raw body: parsed and written again, it would have other bytes.
                webhook.verify(context.body(), headers);
                System.out.println("received " + context.header("webhook-id") + " " + context.body());
                context.status(204);
            } catch (WebhookVerificationException error) {
                context.status(400).result(error.getMessage());
            }
        }).start("127.0.0.1", Integer.parseInt(System.getenv().getOrDefault("PORT", "3000")));
    }
}
