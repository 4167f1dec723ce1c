package usercounter.redis;

import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/** Threads that do not keep the process alive, and that have the application's class loader. */
final class DaemonThreads {

    private DaemonThreads() {}

    /** An executor with one daemon thread. */
    static ScheduledExecutorService timer(String name) {
        return Executors.newSingleThreadScheduledExecutor(task -> prepare(new Thread(task), name));
    }

    /** Makes a thread a daemon thread. The thread must not have started yet. */
    static <T extends Thread> T prepare(T thread, String name) {
        thread.setName(name);
        thread.setDaemon(true);
        thread.setContextClassLoader(DaemonThreads.class.getClassLoader());
        return thread;
    }
}
