import org.apache.zookeeper.server.quorum.QuorumPeerMain;

/** Runs ZooKeeper and a Kafka broker that uses it in one process. */
public class ZooKeeperAndKafka {
    /** @param args the properties files of ZooKeeper and of the broker */
    public static void main(String[] args) {
        Thread zooKeeper = new Thread(() -> QuorumPeerMain.main(new String[] {args[0]}), "zookeeper");
        zooKeeper.setDaemon(true); // it ends with the broker
        zooKeeper.start();
        kafka.Kafka.main(new String[] {args[1]}); // keeps trying until ZooKeeper is there
    }
}
