// SPDX-License-Identifier: Apache-2.0
// A selector loop that does little, in a virtual machine that stops all threads. Usage: java Loop gc|safepoint|sleep
// gc: another thread collects a large heap. safepoint: another thread asks for the stacks of thousands of threads. sleep: the loop's
// own doing. Prints READY when it begins.
import java.nio.channels.Selector;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

public class Loop {
	static final List<Object> kept = new ArrayList<>();

	static void fill() {
		for (int i = 0; i < 3000000; i++)
			kept.add(new Object[] {i, "entry " + i});
	}

	static void park(int threads) {
		for (int i = 0; i < threads; i++) {
			Thread t = new Thread(() -> deep(60));
			t.setDaemon(true);
			t.start();
		}
	}

	static void deep(int n) {
		if (n > 0) {
			deep(n - 1);
			return;
		}
		try {
			Thread.sleep(1000000);
		} catch (InterruptedException e) {
			return;
		}
	}

	static void disturb(String how) {
		try {
			while (true) {
				Thread.sleep(200);
				if (how.equals("gc"))
					System.gc();
				else if (how.equals("safepoint"))
					kept.add(Thread.getAllStackTraces().size());
			}
		} catch (InterruptedException e) {
			return;
		}
	}

	public static void main(String[] args) throws Exception {
		String how = args[0];
		Selector selector = Selector.open();

		if (how.equals("gc"))
			fill();
		else if (how.equals("safepoint"))
			park(1500);
		Thread t = new Thread(() -> disturb(how), "disturber");
		t.setDaemon(true);
		t.start();
		System.out.println("READY");
		for (int turn = 1;; turn++) {
			selector.select(5);
			if (how.equals("sleep") && turn % 20 == 0)
				Thread.sleep(60);
		}
	}
}
