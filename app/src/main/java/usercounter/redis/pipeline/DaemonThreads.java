package usercounter.redis.pipeline;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Threads that do not keep the process alive, and that have the application's class loader. */
final class DaemonThreads {

    private DaemonThreads() {}

    /** An executor with one thread. */
    static ScheduledExecutorService timer(String name) {
        return Executors.newSingleThreadScheduledExecutor(task -> thread(task, name));
    }

    /**
     * An executor that starts a thread only if none is idle, and at most this number. Further tasks wait for a thread.
     * (A ForkJoinPool does the same, but its threads spin before they wait, which takes a tenth of the service's CPU.)
     */
    static ExecutorService pool(int threads, String name) {
        LinkedTransferQueue<Runnable> waiting = new LinkedTransferQueue<>() {
            private static final long serialVersionUID = 1L;

            /** Refuses a task that no idle thread takes, so that the executor starts a thread. */
            @Override
            public boolean offer(Runnable task) {
                return tryTransfer(task);
            }
        };
        return new ThreadPoolExecutor(
                0, threads, 10, TimeUnit.SECONDS, waiting, task -> thread(task, name), (task, executor) -> {
                    if (executor.isShutdown()) {
                        throw new RejectedExecutionException("The executor " + name + " is shut down");
                    }
                    waiting.put(task);
                });
    }

    private static Thread thread(Runnable task, String name) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.setContextClassLoader(DaemonThreads.class.getClassLoader());
        return thread;
    }
}
