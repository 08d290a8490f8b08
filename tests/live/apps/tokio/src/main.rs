// SPDX-License-Identifier: Apache-2.0

//! An echo server on tokio's multi-threaded scheduler, with clients of its own. One task blocks its worker for 200 ms
//! again and again; the others always have something to do and look after the driver in between, so there is no stall to
//! report. (Were they idle there would be one: a blocked worker that held the driver leaves nobody waiting on it.)
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn serve(mut peer: TcpStream) {
    let mut buffer = [0u8; 64];
    while let Ok(n) = peer.read(&mut buffer).await {
        if n == 0 || peer.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}

async fn chat(address: std::net::SocketAddr) {
    let mut server = TcpStream::connect(address).await.unwrap();
    let mut buffer = [0u8; 64];
    loop {
        server.write_all(b"ping").await.unwrap();
        server.read(&mut buffer).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn block_a_worker() {
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        std::thread::sleep(Duration::from_millis(200));
    }
}

async fn stay_busy() {
    loop {
        let end = Instant::now() + Duration::from_micros(20);
        while Instant::now() < end {}
        tokio::task::yield_now().await;
    }
}

async fn run() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for _ in 0..8 {
        tokio::spawn(chat(address));
    }
    tokio::spawn(block_a_worker());
    for _ in 0..3 {
        tokio::spawn(stay_busy());
    }
    println!("ready {}", std::process::id());
    loop {
        let (peer, _) = listener.accept().await.unwrap();
        tokio::spawn(serve(peer));
    }
}

fn main() {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap()
        .block_on(run());
}
