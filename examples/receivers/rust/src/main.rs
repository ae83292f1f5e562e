// Receives webhooks with axum, and verifies them with the library of Standard Webhooks.
use axum::{body::Bytes, http::{HeaderMap, StatusCode}, routing::post, Router};
use standardwebhooks::Webhook;
use std::{env, sync::Arc};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let webhook = Arc::new(Webhook::new(&env::var("WEBHOOK_SECRET").expect("WEBHOOK_SECRET")).expect("a valid secret"));
    // `Bytes` is the raw body: parsed and written again, it would have other bytes.
    let receive = move |headers: HeaderMap, body: Bytes| async move {
        match webhook.verify(&body, &headers) {
            Ok(()) => println!("received {:?} {}", headers["webhook-id"], String::from_utf8_lossy(&body)),
            Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()),
        }
        (StatusCode::NO_CONTENT, String::new())
    };
    let port = env::var("PORT").unwrap_or("3000".to_string());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("a free port");
    axum::serve(listener, Router::new().route("/hooks", post(receive))).await.expect("to serve");
}
