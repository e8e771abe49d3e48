// How C++ programs write arrays, containers and pointers, each with n items or of size n. Usage: idioms N > FILE
#include <bitset>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <valarray>
#include <vector>
#include <Eigen/Dense>
#include <boost/archive/xml_oarchive.hpp>
#include <boost/multi_array.hpp>
#include <boost/numeric/ublas/matrix.hpp>
#include <boost/numeric/ublas/vector.hpp>
#include <boost/serialization/array.hpp>
#include <boost/serialization/bitset.hpp>
#include <boost/serialization/deque.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/optional.hpp>
#include <boost/serialization/scoped_ptr.hpp>
#include <boost/serialization/set.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/unordered_map.hpp>
#include <boost/serialization/unordered_set.hpp>
#include <boost/serialization/valarray.hpp>
#include <boost/serialization/variant.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/serialization/weak_ptr.hpp>

namespace bs = boost::serialization;
using bs::make_array;
using bs::make_nvp;
#define P(x) ar << BOOST_SERIALIZATION_NVP(x)

namespace boost { namespace serialization {
template <class A, class T, int R, int C>
void serialize(A& ar, Eigen::Matrix<T, R, C>& m, const unsigned) {
    Eigen::Index rows = m.rows(), cols = m.cols();
    ar & BOOST_SERIALIZATION_NVP(rows) & BOOST_SERIALIZATION_NVP(cols);
    ar & make_nvp("data", make_array(m.data(), m.size()));
}
template <class A, class T, std::size_t N>
void serialize(A& ar, boost::multi_array<T, N>& a, const unsigned) {
    ar & make_nvp("shape", make_array(const_cast<boost::multi_array_types::size_type*>(a.shape()), N));
    ar & make_nvp("elements", make_array(a.data(), a.num_elements()));
}
template <class A, class R, class Q>
void serialize(A& ar, std::chrono::duration<R, Q>& d, const unsigned) {
    R count = d.count();
    ar & BOOST_SERIALIZATION_NVP(count);
}
template <class A, class T, class U, class V>
void serialize(A& ar, std::tuple<T, U, V>& t, const unsigned) {
    ar & make_nvp("_0", std::get<0>(t)) & make_nvp("_1", std::get<1>(t)) & make_nvp("_2", std::get<2>(t));
}
}}

struct Wave {  // by a name that says nothing
    int n; double* values; std::string label;
    template <class A> void serialize(A& ar, const unsigned) {
        ar & BOOST_SERIALIZATION_NVP(n);
        ar & make_nvp("psi", make_array(values, n)) & make_nvp("phi", make_array(values, n)) & BOOST_SERIALIZATION_NVP(label);
    }
};
struct Grid {  // without a name
    int rows, cols; double* values;
    template <class A> void serialize(A& ar, const unsigned) {
        ar & BOOST_SERIALIZATION_NVP(rows) & BOOST_SERIALIZATION_NVP(cols);
        ar & make_array(values, rows * cols);
    }
};
struct Loop {  // one by one
    std::vector<double> values;
    template <class A> void serialize(A& ar, const unsigned) {
        std::size_t size = values.size();
        ar & BOOST_SERIALIZATION_NVP(size);
        for (auto& value : values) ar & make_nvp("item", value);
    }
};
struct Site {
    std::string name; int spin;
    template <class A> void serialize(A& ar, const unsigned) { ar & BOOST_SERIALIZATION_NVP(name) & BOOST_SERIALIZATION_NVP(spin); }
};
struct Node {
    int id = 0; std::shared_ptr<Node> next; std::weak_ptr<Node> other;
    template <class A> void serialize(A& ar, const unsigned) {
        ar & BOOST_SERIALIZATION_NVP(id) & BOOST_SERIALIZATION_NVP(next) & BOOST_SERIALIZATION_NVP(other);
    }
};

int main(int, char** argv) {
    const int n = std::atoi(argv[1]);
    std::vector<double> numbers; std::vector<int> counts; std::vector<std::string> digits, names;
    for (int i = 0; i < n; ++i) { numbers.push_back(i + 0.5); counts.push_back(i); digits.push_back(std::to_string(i)); names.push_back(std::to_string(i)); }
    if (n) names.back() = "last";
    double* data = numbers.data();
    boost::archive::xml_oarchive ar(std::cout);

    // Arrays.
    const auto values = make_array(data, n); P(values);
    const Wave wave{n, data, ""}; P(wave);
    const Grid grid{n, 1, data}; P(grid);
    const Loop loop{numbers}; P(loop);
    Eigen::MatrixXd m(n, 2); for (int i = 0; i < n; ++i) { m(i, 0) = i + 0.5; m(i, 1) = -i - 0.5; }
    const Eigen::MatrixXd matrix = m; P(matrix);
    const Eigen::VectorXd vector = Eigen::Map<Eigen::VectorXd>(data, n); P(vector);
    const Eigen::Matrix<int, 2, 1> fixed(1, 2); P(fixed);
    boost::numeric::ublas::vector<double> u(n); boost::numeric::ublas::matrix<double> v(2, n);
    for (int i = 0; i < n; ++i) { u(i) = i + 0.5; v(0, i) = i + 0.5; v(1, i) = -i - 0.5; }
    const auto ublas = u; P(ublas);
    const auto ublas_matrix = v; P(ublas_matrix);
    boost::multi_array<double, 2> a(boost::extents[2][n]); for (int i = 0; i < 2 * n; ++i) a.data()[i] = i + 0.5;
    const auto multi = a; P(multi);
    const std::valarray<double> valarray(data, n); P(valarray);

    // Containers.
    P(numbers); P(counts);
    const std::vector<std::vector<double>> nested(n, numbers); P(nested);
    const std::set<int> set(counts.begin(), counts.end()); P(set);
    const std::deque<double> deque(numbers.begin(), numbers.end()); P(deque);
    const std::unordered_set<int> hashed(counts.begin(), counts.end()); P(hashed);
    std::unordered_map<std::string, double> map; std::map<int, double> by_number;
    for (int i = 0; i < n; ++i) { map["k" + std::to_string(i)] = i + 0.5; by_number[i] = i + 0.5; }
    const auto hashed_map = map; P(hashed_map); const auto numbered = by_number; P(numbered);
    P(digits); P(names);
    const std::set<std::string> names_of_set(names.begin(), names.end()); P(names_of_set);
    std::vector<Site> s; for (int i = 0; i < n; ++i) s.push_back({names[i], i}); const auto sites = s; P(sites);

    // Single values.
    const boost::variant<int, std::string, std::vector<double>> number(n), text(std::string("n")), list(numbers); P(number); P(text); P(list);
    std::vector<boost::variant<int, std::string>> mix; for (int i = 0; i < n; ++i) { mix.push_back(i); mix.push_back("v"); }
    const auto variants = mix; P(variants);
    const boost::optional<std::vector<double>> some(numbers), none; P(some); P(none);
    const std::bitset<4> bits(n); P(bits);
    const std::tuple<int, double, std::string> tuple(n, 0.5, "t"); P(tuple);
    const std::chrono::milliseconds duration(n), zero(0); P(duration); P(zero);

    // Graphs.
    std::shared_ptr<Node> first, last;
    for (int i = n; i-- > 0;) { auto node = std::make_shared<Node>(); node->id = i; node->next = first; node->other = last; if (!last) last = node; first = node; }
    const std::shared_ptr<Node> chain = first; P(chain);
    const std::vector<std::shared_ptr<Node>> same(n, last); P(same);
    const boost::scoped_ptr<Site> scoped(n ? new Site{"a", n} : nullptr); P(scoped);
}
