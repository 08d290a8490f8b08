// SPDX-License-Identifier: Apache-2.0
// A selector loop whose handler stalls it in one way, again and again. Usage: java com.acme.Svc cpu|sleep|lock|read|rare
// Each handler is called often enough before it stalls for the first time that it is compiled then; but that of "rare" is not.
// Prints READY when it begins.
package com.acme;

import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.Selector;

public class Svc {
	interface Handler {
		void handle(int ms) throws Exception;
	}

	static final Object shared = new Object();
	static volatile long sink;
	static Socket peer;

	static void crunch(int ms) {
		long end = System.nanoTime() + ms * 1000000L, sum = 0;
		while (System.nanoTime() < end)
			for (int i = 0; i < 1000; i++)
				sum += sum ^ i * 31L;
		sink = sum;
	}

	static void nap(int ms) throws InterruptedException {
		Thread.sleep(ms);
	}

	static void enter(int ms) {
		synchronized (shared) {
			sink++;
		}
	}

	/* Answers come as late as the byte that was sent says. */
	static void ask(int ms) throws Exception {
		peer.getOutputStream().write(ms);
		InputStream in = peer.getInputStream();
		if (in.read() < 0)
			throw new IllegalStateException("the peer is gone");
	}

	static void daemon(String name, Handler body) {
		Thread t = new Thread(() -> {
			try {
				while (true)
					body.handle(0);
			} catch (Exception e) {
				return;
			}
		}, name);
		t.setDaemon(true);
		t.start();
	}

	static void holdNow(int ms) throws InterruptedException {
		synchronized (shared) {
			Thread.sleep(ms);
		}
	}

	static void connect() throws Exception {
		ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
		peer = new Socket(server.getInetAddress(), server.getLocalPort());
		Socket other = server.accept();
		daemon("peer", ignored -> {
			int ms = other.getInputStream().read();
			Thread.sleep(ms);
			other.getOutputStream().write(1);
		});
	}

	static Handler handlerOf(String how) throws Exception {
		switch (how) {
		case "cpu":
			return Svc::crunch;
		case "sleep":
		case "rare":
			return Svc::nap;
		case "lock":
			return Svc::enter;
		default:
			connect();
			return Svc::ask;
		}
	}

	static void turn(Selector selector, Handler handler, int ms) throws Exception {
		selector.selectNow();
		handler.handle(ms);
	}

	static void warm(Selector selector, Handler handler) throws Exception {
		for (int i = 0; i < 20000; i++)
			turn(selector, handler, i % 100 == 0 ? 1 : 0);
		Thread.sleep(500); // what is being compiled gets done
	}

	public static void main(String[] args) throws Exception {
		Handler handler = handlerOf(args[0]);
		Selector selector = Selector.open();

		if (!args[0].equals("rare"))
			warm(selector, handler);
		if (args[0].equals("lock"))
			daemon("holder", ignored -> {
				holdNow(60);
				Thread.sleep(100);
			});
		System.out.println("READY");
		while (true) {
			selector.select(60);
			turn(selector, handler, 60);
		}
	}
}
