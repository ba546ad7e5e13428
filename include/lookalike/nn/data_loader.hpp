#pragma once

/// \file
/// Batches for training, prepared ahead of time on threads of their own, so that reading, decoding and
/// augmentation cost no time of the network's. What comes out depends on the seed alone, not on the number of
/// threads: each sample draws from a stream of random numbers that belongs to (seed, epoch, sample).

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/core/tensor.hpp>

namespace lookalike {

/// What most training needs of a batch; what a task does not need stays empty. The first extent of each
/// tensor, and the number of labels, is the number of samples.
struct training_batch {
  tensor<float> inputs;
  tensor<float> targets;              ///< of what is learned by regression, or a class for each pixel
  tensor<float> weights;              ///< how much each sample or pixel counts
  std::vector<int> labels;            ///< the class of each sample
  std::vector<std::int64_t> indices;  ///< which samples these are
};

/// A place in a run of training: batch `batch` of epoch `epoch`, both counted from 0.
struct loader_position {
  std::int64_t epoch = 0;
  std::int64_t batch = 0;
  friend bool operator==(const loader_position&, const loader_position&) = default;
};

struct data_loader_options {
  int batch_size = 32;
  /// Takes the samples of each epoch in another random order; otherwise in their own.
  bool shuffle = true;
  /// Leaves out the last batch of an epoch when it is smaller than the others.
  bool drop_last = false;
  /// Threads that prepare batches, each one batch at a time. 0: batches are prepared when asked for.
  int workers = 1;
  /// At most this many batches are begun before they are asked for.
  int prefetch = 4;
  std::uint64_t seed = 0;
  /// The first batch to come: `position()` of a loader goes on where that loader stood.
  loader_position start = {};
};

/// An endless supply of batches, epoch after epoch.
///
/// A `Batch` is anything that `make_batch(size)` returns, with room for `size` samples. Then
/// `fill(batch, slot, index, random)` is called for its slots 0, 1, ..., size - 1 in turn: it puts sample
/// `index`, 0 <= index < count, into its slot, with what chance it needs drawn from `random`. Several batches
/// are filled at the same time, on several threads. What either function throws, `next` throws when the
/// batch's turn comes; the batches after it are not affected.
///
/// One thread at a time may call the members. The destructor waits for at most one sample a worker.
template <class Batch = training_batch>
class data_loader {
 public:
  using batch_maker = std::function<Batch(int size)>;
  using sample_filler =
      std::function<void(Batch& batch, int slot, std::int64_t index, random_sequence& random)>;

  /// Starts preparing at once. Throws `value_error` for options out of range or when an epoch would have no
  /// batch.
  data_loader(std::int64_t count, batch_maker make_batch, sample_filler fill,
              const data_loader_options& options = {})
      : count_(count), options_(options), make_batch_(std::move(make_batch)), fill_(std::move(fill)) {
    require(count > 0, "data_loader: given ", count, " samples, wanted at least 1");
    require(options.batch_size > 0, "data_loader_options.batch_size: given ", options.batch_size,
            ", wanted at least 1");
    require(options.workers >= 0, "data_loader_options.workers: given ", options.workers,
            ", wanted at least 0");
    require(options.prefetch > 0, "data_loader_options.prefetch: given ", options.prefetch,
            ", wanted at least 1");
    require(batches_per_epoch() > 0, "data_loader: given ", count, " samples in batches of ",
            options.batch_size, ", the last dropped, wanted at least one whole batch");
    delivered_ = begun_ = ticket_of(options.start);
    ready_.resize(static_cast<std::size_t>(options.prefetch));
    for (int worker = 0; worker < std::min(options.workers, options.prefetch); ++worker) {
      workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
  }
  ~data_loader() {
    for (std::jthread& worker : workers_) worker.request_stop();
  }
  data_loader(const data_loader&) = delete;
  data_loader& operator=(const data_loader&) = delete;

  std::int64_t count() const { return count_; }
  std::int64_t batches_per_epoch() const {
    return (count_ + (options_.drop_last ? 0 : options_.batch_size - 1)) / options_.batch_size;
  }

  /// Where the batch stands that `next` will give.
  loader_position position() const {
    const std::lock_guard hold(guard_);
    return {delivered_ / batches_per_epoch(), delivered_ % batches_per_epoch()};
  }

  /// Goes to another place; what was prepared is forgotten. Throws `value_error` when there is no such place.
  void seek(const loader_position& to) {
    const std::lock_guard hold(guard_);
    delivered_ = begun_ = ticket_of(to);
    ++generation_;
    for (auto& slot : ready_) slot.reset();
    room_.notify_all();
  }

  /// The next batch. Waits for it if need be. Throws what its preparation threw; the call after that gives
  /// the batch after it.
  Batch next() {
    if (workers_.empty()) {
      const std::int64_t ticket = delivered_++;
      std::optional<Batch> batch = prepare(ticket, generation_, std::stop_token());
      return std::move(*batch);
    }
    std::unique_lock hold(guard_);
    std::optional<outcome>& slot = slot_of(delivered_);
    arrival_.wait(hold, [&] { return slot.has_value(); });
    outcome result = std::move(*slot);
    slot.reset();
    ++delivered_;
    room_.notify_one();
    hold.unlock();
    if (result.failure) std::rethrow_exception(result.failure);
    return std::move(*result.batch);
  }

  class epoch_iterator;
  /// What is left of the current epoch: `for (auto& batch : loader.epoch()) ...`. Left early, it goes on with
  /// the batch after the last one seen.
  class epoch_range {
   public:
    explicit epoch_range(data_loader& loader) : loader_(&loader), epoch_(loader.position().epoch) {}
    epoch_iterator begin() const { return epoch_iterator(*loader_, epoch_); }
    std::default_sentinel_t end() const { return {}; }

   private:
    data_loader* loader_;
    std::int64_t epoch_;
  };
  epoch_range epoch() { return epoch_range(*this); }

  class epoch_iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;

    epoch_iterator(data_loader& loader, std::int64_t epoch) : loader_(&loader), epoch_(epoch) { ++*this; }
    Batch& operator*() const { return *batch_; }
    epoch_iterator& operator++() {
      batch_.reset();  // before the next one, so that never more live than need be
      if (loader_->position().epoch == epoch_) batch_.emplace(loader_->next());
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !batch_.has_value(); }

   private:
    data_loader* loader_;
    std::int64_t epoch_;
    mutable std::optional<Batch> batch_;
  };

 private:
  /// A batch, or why there is none.
  struct outcome {
    std::optional<Batch> batch;
    std::exception_ptr failure;
  };
  using sample_order = std::vector<std::int64_t>;

  // Purposes of random numbers: the words of `seed` that different purposes see have nothing in common.
  static constexpr std::uint64_t order_stream = 0;
  static constexpr std::uint64_t sample_stream = 1;

  /// Batches counted from the first of epoch 0.
  std::int64_t ticket_of(const loader_position& position) const {
    require(position.epoch >= 0 && position.batch >= 0 && position.batch < batches_per_epoch(),
            "data_loader: given batch ", position.batch, " of epoch ", position.epoch,
            " as the place to go to, wanted an epoch of at least 0 and a batch below ", batches_per_epoch());
    return position.epoch * batches_per_epoch() + position.batch;
  }
  std::optional<outcome>& slot_of(std::int64_t ticket) {
    return ready_[static_cast<std::size_t>(ticket % options_.prefetch)];
  }
  /// A seed for one purpose and epoch.
  std::uint64_t epoch_seed(std::uint64_t purpose, std::int64_t epoch) const {
    return random_sequence(options_.seed, purpose, 2 * static_cast<std::uint64_t>(epoch))();
  }

  /// The order of the samples in an epoch, empty without shuffling. Neighboring epochs overlap for as long as
  /// their batches are prepared at the same time.
  std::shared_ptr<const sample_order> order_of(std::int64_t epoch) {
    if (!options_.shuffle) return nullptr;
    const std::lock_guard hold(orders_guard_);
    auto& order = orders_[epoch];
    if (!order) {
      random_sequence random(epoch_seed(order_stream, epoch));
      order = std::make_shared<const sample_order>(random.permutation(count_));
    }
    const auto result = order;
    while (orders_.size() > 2) {  // the farthest from here
      const auto first = orders_.begin();
      const auto last = std::prev(orders_.end());
      orders_.erase(epoch - first->first > last->first - epoch ? first : last);
    }
    return result;
  }

  /// Nothing when a stop was requested, or another place gone to, meanwhile.
  std::optional<Batch> prepare(std::int64_t ticket, std::uint64_t generation, const std::stop_token& stop) {
    const std::int64_t epoch = ticket / batches_per_epoch();
    const std::int64_t first = (ticket % batches_per_epoch()) * options_.batch_size;
    const int size = static_cast<int>(std::min<std::int64_t>(options_.batch_size, count_ - first));
    const auto order = order_of(epoch);
    const std::uint64_t seed = epoch_seed(sample_stream, epoch);
    Batch batch = make_batch_(size);
    for (int slot = 0; slot < size; ++slot) {
      if (stop.stop_requested() || generation_ != generation) return std::nullopt;
      const std::int64_t index = order ? (*order)[static_cast<std::size_t>(first + slot)] : first + slot;
      random_sequence random(seed, static_cast<std::uint64_t>(index));
      fill_(batch, slot, index, random);
    }
    return batch;
  }

  void work(const std::stop_token& stop) {
#ifdef _OPENMP
    omp_set_num_threads(1);  // of loops that start on this thread: other workers keep the other cores busy
#endif
    std::unique_lock hold(guard_);
    for (;;) {
      if (!room_.wait(hold, stop, [this] { return begun_ < delivered_ + options_.prefetch; })) return;
      const std::int64_t ticket = begun_++;
      const std::uint64_t generation = generation_;
      hold.unlock();
      outcome result;
      try {
        result.batch = prepare(ticket, generation, stop);
      } catch (...) {
        result.failure = std::current_exception();
      }
      hold.lock();
      if (generation != generation_ || (!result.batch && !result.failure)) continue;
      slot_of(ticket).emplace(std::move(result));
      arrival_.notify_one();
    }
  }

  std::int64_t count_;
  data_loader_options options_;
  batch_maker make_batch_;
  sample_filler fill_;

  mutable std::mutex guard_;                  // of the members up to `ready_`
  std::condition_variable_any room_;          // for another batch to be begun
  std::condition_variable arrival_;           // of a batch
  std::int64_t delivered_ = 0;                // the batch to be asked for next
  std::int64_t begun_ = 0;                    // the batch to be prepared next
  std::atomic<std::uint64_t> generation_{0};  // changes when another place is gone to
  std::vector<std::optional<outcome>> ready_;

  std::mutex orders_guard_;
  std::map<std::int64_t, std::shared_ptr<const sample_order>> orders_;

  std::vector<std::jthread> workers_;  // the last member: joined before the others go
};

}  // namespace lookalike
